#include "valley/report/statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "valley/core/numbers.h"

namespace valley {

Spread spread_of(const std::vector<double>& values) {
  Spread spread;
  double sum = 0;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    sum += value;
    ++spread.count;
  }
  if (spread.count == 0) return spread;
  spread.mean = sum / static_cast<double>(spread.count);
  if (spread.count == 1) return spread;
  double square = 0;
  for (const double value : values) {
    if (std::isfinite(value)) square += (value - spread.mean) * (value - spread.mean);
  }
  spread.deviation = std::sqrt(square / static_cast<double>(spread.count - 1));
  return spread;
}

bool differ(const Spread& a, const Spread& b) {
  if (a.count < 2 || b.count < 2) return false;
  const double error = std::sqrt(a.deviation * a.deviation / static_cast<double>(a.count) +
                                 b.deviation * b.deviation / static_cast<double>(b.count));
  return std::abs(a.mean - b.mean) > 2 * error;
}

std::vector<size_t> thinned(size_t count, size_t most) {
  most = std::max<size_t>(most, 2);
  std::vector<size_t> indices;
  if (count <= most) {
    for (size_t i = 0; i < count; ++i) indices.push_back(i);
    return indices;
  }
  for (size_t i = 0; i < most; ++i) indices.push_back(i * (count - 1) / (most - 1));
  return indices;
}

double shortened(double value) {
  return parse_number<double>(fmt::format("{:.6g}", value)).value_or(value);
}

}  // namespace valley
