#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "valley/algorithms/algorithm.h"
#include "valley/comm/communicator.h"
#include "valley/optim/flat_parameters.h"
#include "valley/optim/local_optimizer.h"
#include "valley/train/best_model.h"
#include "valley/train/checkpoint.h"
#include "valley/train/meters.h"
#include "valley/train/run_clock.h"
#include "valley/train/running_average.h"
#include "valley/train/worker_generator.h"

namespace valley {

/// What a worker's checkpoint is of; all belongs to the trainer.
struct WorkerParts {
  FlatParameters& parameters;
  LocalOptimizer& optimizer;
  Algorithm& algorithm;
  WorkerGenerator& generator;
  Meters& meters;
  BestModel& best;
  RunningAverage& running;
};

/// What must be the same in a checkpoint and the run that goes on from it, and how many stay.
struct RunIdentity {
  std::string algorithm, model;
  int64_t keep = 2;
  bool extend = false;   ///< the checkpoint may be of another number of steps in all
  std::string personal;  ///< what no worker shares
};

/// A run's checkpoints, in the run folder `out`; "" writes nothing. save() and restore() are called
/// by all workers together.
class RunCheckpoint {
 public:
  using Say = std::function<void(const std::string&)>;

  RunCheckpoint(Communicator& comm, const std::string& out, RunIdentity identity,
                WorkerParts parts);

  /// `view`: where this worker stands, see Algorithm::view().
  void save(const RunClock& clock, const at::Tensor& view) const;

  enum class Restored {
    kNothing,  ///< there is no checkpoint
    kSame,     ///< goes on with the same bits
    kAverage,  ///< of another number of workers, which cannot go on where each of the former was:
               ///< all stand at their average, at the beginning of an epoch, with fresh optimizers
  };

  /// The newest whole checkpoint; sets clock.step, and the algorithm has joined the workers there.
  /// Worker 0 hands `say` what a person should know.
  /// @throws UsageError if it is of another run or model; NoWholeCheckpoint
  Restored restore(RunClock& clock, const Say& say);

  /// All of this worker, as a checkpoint holds it; the tensors are its own, not copies.
  WorkerState state(const RunClock& clock, const at::Tensor& view) const;

  /// This worker goes on from there; the algorithm joins the workers of now.
  void load(const WorkerState& state, RunClock& clock) const;

  /// "the last good checkpoint is PATH", or that there is none.
  std::string newest() const;

 private:
  void load_values(const WorkerState& state) const;
  void load_all(const WorkerState& state, int64_t step) const;
  void load_average(const Manifest& manifest) const;

  Communicator& comm_;
  bool active_;
  Checkpoints checkpoints_;
  RunIdentity identity_;
  WorkerParts parts_;
};

}  // namespace valley
