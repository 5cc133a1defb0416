#pragma once

#include <cstdint>

#include "valley/analysis/crossing.h"

namespace valley {

struct MeanValleyOptions {
  double kappa = 2;  ///< the valley ends where the loss is kappa times that of the average; > 1
  /// As in CrossingOptions.
  ValleySearch search = ValleySearch::kBisect;
  double step = 0.1;
  double tolerance = 1e-3;
  double cap = 1e4;
};

/// What the measures of a minimum are asked for.
struct MeasureOptions {
  MeanValleyOptions valley = {};
  uint64_t seed = 0;
  int64_t draws = 20;          ///< of everything that is a mean over random points or vectors
  double rise = 0.1;           ///< of the loss: eps-sharpness and pac-bayes
  double sigma = 0.01;         ///< deviation of the noise: lpf and local-entropy
  double rho = 0.05;           ///< radius: sam
  int64_t lanczos_steps = 60;  ///< lambda-max: at most so many
  double lanczos_tolerance = 1e-3;
  int64_t spectrum_probes = 3;
  int64_t spectrum_steps = 20;
  int64_t bytes = int64_t{4} << 30;  ///< for the vectors of Lanczos and Hutchinson
};

/// @throws UsageError if an option is out of range.
void check(const MeasureOptions& options);

}  // namespace valley
