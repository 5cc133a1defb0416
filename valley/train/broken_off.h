#pragma once

#include <functional>

#include "valley/train/run_checkpoint.h"
#include "valley/train/summary.h"
#include "valley/train/worker.h"

namespace valley {

/// run(). What breaks it off is told with where the worker was and what is left: Diverged with what
/// may help; UsageError and ModelError as ModelError, since no request is refused once it is being
/// carried out. The world's errors (CommError, IoError) pass.
Summary telling_where(const Worker& worker, const RunCheckpoint& checkpoint,
                      const std::function<Summary()>& run);

}  // namespace valley
