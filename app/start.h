#pragma once

#include "valley/train/run_config.h"

namespace valley::app {

/// How a training starts: in a new folder, from what is in it, or not at all.
enum class Start { kNew, kResumed, kFinished };

/// What --resume auto finds in config.out. The workers' number and kind may differ, as they may
/// with --resume FOLDER. @throws UsageError if another setting does; Diverged if the run there has
/// left the numbers, which it would do again.
Start find_start(const RunConfig& config);

}  // namespace valley::app
