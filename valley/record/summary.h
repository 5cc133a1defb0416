#pragma once

#include <string>

#include "valley/record/json_file.h"
#include "valley/record/run_folder.h"

namespace valley {

/// summary.json: the outcome of a run.
/// @throws UsageError if the run has none (it did not end) or the file is damaged: that it is no
/// JSON
///     object, and what to do.
Json read_summary(const RunFolder& folder);

/// "REASON; valley train --resume FOLDER writes it anew from the last checkpoint": what the errors
/// of a damaged summary.json say.
std::string damaged_summary(const RunFolder& folder, const std::string& reason);

}  // namespace valley
