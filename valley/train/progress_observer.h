#pragma once

#include <optional>

#include "valley/record/progress.h"
#include "valley/train/observer.h"

namespace valley {

/// Shows a person how a run goes: worker 0's view.
class ProgressObserver : public Observer {
 public:
  ProgressObserver(Progress& progress, int workers) : progress_(progress), workers_(workers) {}

  void evaluation(const RunMoment& moment, const Evaluation& evaluation) override;
  void tell(const RunMoment& moment, bool line) override;

 private:
  Progress& progress_;
  int workers_;
  std::optional<double> accuracy_;  // of the last evaluation
};

}  // namespace valley
