#pragma once

#include <optional>
#include <string>

#include "valley/record/run_folder.h"
#include "valley/train/summary.h"

namespace valley {

/// summary.json of a run. @throws UsageError if there is none, or if it is damaged; says what to
/// do.
Summary load_summary(const RunFolder& folder);

/// The outcome of the run in this folder, if it came to its end and its summary is whole.
std::optional<Summary> finished_outcome(const std::string& out);

/// To go on with a run writes a summary that was damaged anew: says so, in one line, if that is the
/// case here; else "".
std::string damaged_summary_notice(const std::string& out);

}  // namespace valley
