#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "valley/evaluation/evaluate.h"

namespace valley {

/// What an evaluation found. The same on all workers.
struct Evaluation {
  Scores train = {};              ///< of the average model
  Scores validation = {};         ///< empty where there is no validation set
  Scores test = {};               ///< where there is one, only of the model that a run leaves
  double generalization_gap = 0;  ///< of the headline, see core/scores.h; to the test set, or else
                                  ///< to the validation set
  double valley_width = 0;        ///< mean_m ||x_m - x_A||
  int64_t train_bytes = 0;        ///< payload of training so far, mean over workers

  /// Where workers keep parameters for themselves: of each one's own model on its own data, of
  /// which the scores above are the means. Where the test set was looked at.
  std::vector<Scores> test_by_worker = {};
  /// Likewise the headline of the best answers that know nothing of the inputs, by the mean.
  std::optional<double> chance = {};

  int64_t model_step = -1;  ///< of the model that a run leaves, where it was chosen

  /// Not of training examples: the test set where it was looked at.
  const Scores& held_out() const { return test.values.empty() ? validation : test; }
};

}  // namespace valley
