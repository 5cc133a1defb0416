#pragma once

#include <cstdint>
#include <vector>

namespace valley {

/// The mean of independent draws, and how far it may be from what they are draws of.
struct Estimate {
  double value = 0;
  double standard_error = 0;  ///< deviation of the draws (n - 1) / sqrt(n); 0 for a single one
  int64_t draws = 0;
};

Estimate mean_estimate(const std::vector<double>& draws);

/// f of a mean, where `slope` is f' there (the delta method).
Estimate transformed(const Estimate& mean, double value, double slope);

}  // namespace valley
