#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "valley/algorithms/algorithm.h"
#include "valley/train/evaluation.h"
#include "valley/train/meters.h"
#include "valley/train/run_clock.h"

namespace valley {

/// Where a run is when it calls its observers.
struct RunMoment {
  const RunClock& clock;
  const Meters& meters;      ///< this worker's
  double learning_rate = 0;  ///< of the last step
  int64_t rounds = 0;        ///< so far
  int64_t period = 1;        ///< local steps a round, in force
  bool over = false;         ///< no step follows
};

/// Looks on while a worker trains (Trainer::add_observer): records, shows, measures. Any number;
/// they are called in the order they were added, by the worker's thread.
///
/// An observer changes nothing: not a weight, not a draw, not what the algorithm communicates. It
/// may communicate itself where every worker has the same observers. What it throws ends the run.
class Observer {
 public:
  virtual ~Observer() = default;

  /// After a step that ended in a round: `report` is this worker's view.
  virtual void round(const RunMoment& moment, const RoundReport& report) {
    (void)moment, (void)report;
  }

  /// At the end of an epoch, and of the run: this worker's mean loss since the last time.
  virtual void epoch(const RunMoment& moment, double loss) { (void)moment, (void)loss; }

  /// After an evaluation of the average model: the same on all workers.
  virtual void evaluation(const RunMoment& moment, const Evaluation& evaluation) {
    (void)moment, (void)evaluation;
  }

  /// After every step, and after the above: x [d] are this worker's weights, not
  /// to be written to.
  virtual void step(const RunMoment& moment, const at::Tensor& x) { (void)moment, (void)x; }

  /// Before a checkpoint is written: what was seen so far belongs on the disk. All workers
  /// together.
  virtual void checkpoint(const RunMoment& moment) { (void)moment; }

  /// Last of a step, when its checkpoint is safe, and once more when the run has come to its end:
  /// the time to tell people. `line`: worth a line that stays.
  virtual void tell(const RunMoment& moment, bool line) { (void)moment, (void)line; }

  /// The run is over or interrupted; the model is the average if it is over. All workers together.
  virtual void end(const RunMoment& moment) { (void)moment; }
};

}  // namespace valley
