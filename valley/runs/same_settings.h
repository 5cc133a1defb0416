#pragma once

#include <string>
#include <vector>

#include "valley/train/run_config.h"

namespace valley {

/// The first setting that bears on the outcome and differs: "lr = 0.1, not 0.2"; "" if none does.
/// Keys in `but` may differ.
std::string first_difference(const RunConfig& recorded, const RunConfig& given,
                             const std::vector<std::string>& but = {});

/// A folder left by an earlier call may only be used if it answers the same question.
/// @throws UsageError if config.out holds a run that differs in a setting that bears on the
/// outcome.
void require_same_settings(const RunConfig& config);

/// How a training starts: in a new folder, from what is in it, or not at all.
enum class Start { kNew, kResumed, kFinished };

/// What --resume auto finds in config.out. The workers' number and kind may differ, as they may
/// with --resume FOLDER. @throws UsageError if another setting does; Diverged if the run there has
/// left the numbers, which it would do again.
Start find_start(const RunConfig& config);

}  // namespace valley
