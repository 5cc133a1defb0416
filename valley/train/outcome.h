#pragma once

#include "valley/comm/communicator.h"
#include "valley/train/evaluation.h"
#include "valley/train/meters.h"
#include "valley/train/run_clock.h"
#include "valley/train/summary.h"
#include "valley/train/trainer.h"

namespace valley {

/// How one worker's part of a run came out.
struct WorkerOutcome {
  const TrainOptions& options;
  const DataSplits& data;
  const RunClock& clock;
  const Meters& meters;
  Evaluation last = {};  ///< the last evaluation; without scores if there was none
  int64_t rounds = 0;    ///< the average at the end included
  at::Tensor x = {};     ///< [d]
  bool interrupted = false;
};

/// The outcome of all workers, the same on each: their means, and the verdict if the run came to
/// its end. Worker 0 leaves it in the run folder, if there is one. Called by all workers together;
/// costs an all-reduce of ten values.
Summary summarize(Communicator& comm, const WorkerOutcome& outcome);

}  // namespace valley
