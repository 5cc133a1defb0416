#pragma once

#include <cstdint>
#include <string>

namespace valley {

/// The flags of `valley duality`.
struct DualityOptions {
  std::string layer = {};   ///< a dense one with a bias; empty: the last
  int64_t directions = 20;  ///< eigenvectors of the Hessian of its weights, the sharpest
  int64_t samples = 500;    ///< of the training and of the test set, drawn balanced; 0: all
  int64_t seed = 0;         ///< of the examples and of Lanczos's start
};

/// @throws UsageError if one is out of range.
void check(const DualityOptions& options);

}  // namespace valley
