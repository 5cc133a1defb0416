#pragma once

#include <cstdint>

#include "valley/analysis/batch_norm_at.h"

namespace valley {

/// The flags of `valley dynamics`.
struct DynamicsOptions {
  int64_t samples = 1000;    ///< training examples, of every class its share; 0: all
  int64_t seed = 0;          ///< of the examples and of all draws
  int64_t draws = 20;        ///< of mini-batches, and of noise for the smoothed loss
  int64_t eigenvectors = 0;  ///< the sharpest directions that the gaps are held against; 0: none
  double sigma = 0;          ///< deviation of the noise that smooths the loss; 0: the workers' own
  BatchNormAt batch_norm = BatchNormAt::kModel;  ///< of losses
};

/// @throws UsageError if one is out of range.
void check(const DynamicsOptions& options);

}  // namespace valley
