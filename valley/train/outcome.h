#pragma once

#include "valley/train/evaluation.h"
#include "valley/train/summary.h"
#include "valley/train/worker.h"

namespace valley {

/// The outcome of all workers, the same on each: their means, and the verdict if the run came to
/// its end. `last`: the last evaluation, without scores if there was none. Worker 0 leaves it in
/// the run folder, if there is one. Called by all workers together; costs an all-reduce of ten
/// values.
Summary summarize(const Worker& worker, const Evaluation& last, bool interrupted);

}  // namespace valley
