#pragma once

#include <cstdint>

#include "valley/evaluation/evaluate.h"

namespace valley {

/// What an evaluation found. The same on all workers.
struct Evaluation {
  Scores train = {}, test = {};   ///< of the average model
  double generalization_gap = 0;  ///< of the headline, see core/scores.h
  double valley_width = 0;        ///< mean_m ||x_m - x_A||
  int64_t train_bytes = 0;        ///< payload of training so far, mean over workers
};

}  // namespace valley
