#pragma once

#include <memory>

#include "valley/algorithms/algorithm.h"
#include "valley/comm/communicator.h"
#include "valley/data/loader.h"
#include "valley/models/model.h"
#include "valley/optim/flat_parameters.h"
#include "valley/optim/local_optimizer.h"
#include "valley/optim/shared_part.h"
#include "valley/record/trace.h"
#include "valley/schedule/learning_rate.h"
#include "valley/train/extra_gradient.h"
#include "valley/train/gradient.h"
#include "valley/train/meters.h"
#include "valley/train/run_clock.h"
#include "valley/train/trainer.h"
#include "valley/train/worker_generator.h"

namespace valley {

/// What one worker trains with. Made of the options, in this order.
struct Worker {
  /// @throws UsageError if an option is out of range
  Worker(Communicator& comm, Model& model, DataSplits data, TrainOptions options);

  /// All workers together: at worker 0's weights, where the algorithm joins them.
  void begin_together();

  /// A local step, unless the algorithm leaves it out: a batch, its gradient, the optimizer, and
  /// the algorithm's hooks around them but the last, with a clock for each; the meters count it.
  /// `trace` may be null. On a device the step is queued when this returns, and the clocks have
  /// that time; waiting shows where something is read.
  /// @throws Diverged if the loss of the batch is known not to be finite; ModelError; CommError
  void take_step(TraceRecorder* trace);

  /// The last hook of the step. @throws CommError
  void end_step(TraceRecorder* trace);

  /// The mean loss of the steps since it was last taken.
  /// @throws Diverged if it is not finite
  double take_mean_loss();

  /// The loss of the last step knows nothing of what that step then did.
  /// @throws Diverged if a weight is not finite
  void require_finite() const;

  /// Where this worker stands, with nothing under way: x, unless its algorithm holds something
  /// pending. All workers together.
  at::Tensor standing();

  /// No step follows.
  bool over() const { return clock.at_end() || meters.reached; }

  Communicator& comm;
  Model& model;
  DataSplits data;
  TrainOptions options;
  Sampler sampler;
  RunClock clock;
  LrSchedule schedule;
  WorkerGenerator generator;
  FlatParameters parameters;
  SharedPart shared;  ///< of them
  std::unique_ptr<LocalOptimizer> optimizer;
  Loader loader;
  Gradient gradient;
  ExtraGradient extra_gradient;
  std::unique_ptr<Algorithm> algorithm;
  Meters meters;
  double worked = 0;  ///< seconds on local steps, of this process only
  at::Tensor x, g;    ///< [d], parameters and gradients
  StepInfo info;      ///< of the step under way
};

}  // namespace valley
