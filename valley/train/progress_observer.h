#pragma once

#include <optional>

#include "valley/record/progress.h"
#include "valley/train/observer.h"

namespace valley {

/// Shows a person how a run goes: worker 0's view.
class ProgressObserver : public Observer {
 public:
  /// Shows the headline of the scores.
  ProgressObserver(Progress& progress, int workers, const ScoreInfo& headline)
      : progress_(progress), workers_(workers), headline_(headline) {}

  void evaluation(const RunMoment& moment, const Evaluation& evaluation) override;
  void tell(const RunMoment& moment, bool line) override;

 private:
  void look_at(const std::optional<Loss>& loss, bool now);

  Progress& progress_;
  int workers_;
  const ScoreInfo& headline_;
  std::optional<double> score_;  // of the last evaluation
  std::optional<double> loss_;   // as last looked at
  double looked_ = 0;            // when
};

}  // namespace valley
