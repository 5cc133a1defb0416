#include "valley/analysis/crossing.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "valley/core/error.h"

namespace valley {

void check(const CrossingOptions& o) {
  require(std::isfinite(o.step) && o.step > 0, "step must be greater than 0, got {}", o.step);
  require(0 < o.tolerance && o.tolerance < 1, "tolerance must be in (0, 1), got {}", o.tolerance);
  require(std::isfinite(o.cap) && o.cap >= o.step, "cap must be at least the step, {}, got {}",
          o.step, o.cap);
}

std::optional<double> first_crossing(const std::function<bool(double)>& crossed,
                                     const CrossingOptions& o) {
  check(o);
  if (o.search == ValleySearch::kStep) {
    for (int64_t k = 1; static_cast<double>(k) * o.step <= o.cap; ++k) {
      if (crossed(static_cast<double>(k) * o.step)) return static_cast<double>(k) * o.step;
    }
    return std::nullopt;
  }
  double inside = 0, outside = o.step;  // the wall is between them
  while (!crossed(outside)) {
    if (outside >= o.cap) return std::nullopt;
    inside = outside;
    outside = std::min(2 * outside, o.cap);
  }
  while (outside - inside > o.tolerance * outside) {
    const double middle = inside + (outside - inside) / 2;
    if (middle <= inside || middle >= outside) break;  // no number between them
    (crossed(middle) ? outside : inside) = middle;
  }
  return inside + (outside - inside) / 2;
}

}  // namespace valley
