#pragma once

#include "valley/record/json_file.h"
#include "valley/record/run_folder.h"

namespace valley {

/// summary.json: the outcome of a run, whole or not at all. @throws IoError
void write_summary(const RunFolder& folder, const Json& summary);

/// @throws UsageError if the run has none (it did not end) or the file is no JSON object.
Json read_summary(const RunFolder& folder);

}  // namespace valley
