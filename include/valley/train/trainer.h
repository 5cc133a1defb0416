#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "valley/algorithms/registry.h"
#include "valley/comm/communicator.h"
#include "valley/data/dataset.h"
#include "valley/data/loader.h"
#include "valley/evaluation/evaluate.h"
#include "valley/models/model.h"
#include "valley/optim/local_optimizer.h"
#include "valley/optim/sam.h"
#include "valley/train/summary.h"
#include "valley/train/train_options.h"

namespace valley {

class Observer;
class Probe;
class Progress;

/// What a training is for. @throws UsageError for an unknown name.
const Task& task_of(const TrainOptions& options);

/// What can be known without data and workers. @throws UsageError if an option is out of range.
void check(const TrainOptions& options);

/// What else can be known before a worker starts. @throws UsageError likewise.
void check(const TrainOptions& options, const DataSplits& data, int workers);

/// Trains a model with all workers of a communicator: the one loop of Valley, whatever the
/// algorithm. Every worker makes its own Trainer with its own model and the same options:
///
///     valley::run_threads(4, [&](valley::Communicator& comm) {
///       auto model = valley::make_model("lenet", {});
///       valley::Trainer trainer(comm, *model, data, options);
///       const valley::Summary summary = trainer.run();
///     });
///
/// Workers begin with worker 0's weights. Afterwards model and summary are those of the average
/// of all workers, with BatchNorm statistics re-estimated; each worker's own weights are in the
/// last checkpoint.
///
/// Same seed, number of workers and backend: same bits, also across checkpoint and resume.
class Trainer {
 public:
  /// @throws UsageError if an option is out of range, before anything is computed.
  Trainer(Communicator& comm, Model& model, DataSplits data, TrainOptions options);
  ~Trainer();

  /// Looks on from the next run() on, see observer.h; on this worker alone. Not owned.
  void add_observer(Observer& observer);

  /// Worker 0 shows a person how it goes. May be null. Not owned.
  void set_progress(Progress* progress);

  /// Looks at the workers every `every` steps and after the last one; 0: never. Every worker sets
  /// its own, all the same. May be null. Not owned. The run is the same bit for bit with and
  /// without; seconds and bytes of probes are counted apart from those of training.
  /// @throws UsageError if `every` is below 0, or the algorithm is asynchronous: to be looked at,
  ///     its workers would have to wait for each other.
  void set_probe(Probe* probe, int64_t every);

  /// When it becomes true (by a signal handler, say), the workers agree at their next operation to
  /// stop, write a checkpoint, and run() returns with status kInterrupted. Not owned.
  void set_stop_flag(const std::atomic<bool>* stop);

  /// Trains to the end. @throws UsageError up to step 1; Diverged, ModelError, IoError, CommError.
  Summary run();

  int64_t total_steps() const;
  int64_t steps_per_epoch() const;
  const FlatParameters& parameters() const;

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace valley
