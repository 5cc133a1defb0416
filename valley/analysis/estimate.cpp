#include "valley/analysis/estimate.h"

#include <cmath>

namespace valley {

Estimate mean_estimate(const std::vector<double>& draws) {
  const double n = static_cast<double>(draws.size());
  Estimate result{.draws = static_cast<int64_t>(draws.size())};
  for (const double draw : draws) result.value += draw / n;
  if (draws.size() < 2) return result;
  double squares = 0;
  for (const double draw : draws) squares += (draw - result.value) * (draw - result.value);
  result.standard_error = std::sqrt(squares / (n - 1) / n);
  return result;
}

Estimate transformed(const Estimate& mean, double value, double slope) {
  return {
      .value = value, .standard_error = std::abs(slope) * mean.standard_error, .draws = mean.draws};
}

}  // namespace valley
