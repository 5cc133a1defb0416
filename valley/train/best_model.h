#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <limits>

#include "valley/core/scores.h"
#include "valley/data/dataset.h"
#include "valley/record/json_file.h"
#include "valley/train/trainer.h"

namespace valley {

/// The best average model so far, by the headline on the validation set: which one it was, how long
/// ago, and its weights where the run is to leave it. The same on all workers. Saved with a
/// checkpoint.
class BestModel {
 public:
  /// Reads keep and patience. @throws UsageError if they need a validation set and there is none.
  BestModel(const TrainOptions& options, const DataSplits& data);

  /// By another score.
  BestModel(const ScoreInfo& headline, Keep keep, int64_t patience)
      : headline_(headline), keep_(keep == Keep::kBest), patience_(patience) {}

  /// After an evaluation of the average `x` [d] at a step. A score that is no number is never best;
  /// one that is as good as the best is not better.
  void look(const Scores& validation, const at::Tensor& x, int64_t step);

  int64_t step() const { return step_; }  ///< of the best; -1: none yet
  double score() const { return score_; }
  int64_t since() const { return since_; }  ///< evaluations after it, none of them better
  bool out_of_patience() const { return patience_ > 0 && since_ >= patience_; }

  /// [d]; undefined before the first, and where none is kept.
  const at::Tensor& x() const { return x_; }

  /// All but the weights.
  Json to_json() const;

  /// As saved: of a checkpoint that has none, nothing was seen yet.
  void load(const Json& values, const at::Tensor& x);

 private:
  ScoreInfo headline_;
  bool keep_;
  int64_t patience_;
  int64_t step_ = -1, since_ = 0;
  double score_ = std::numeric_limits<double>::quiet_NaN();
  at::Tensor x_;
};

}  // namespace valley
