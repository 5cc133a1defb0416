#include "valley/data/gamma_draw.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace valley {

double log_gamma_draw(double shape, Random& random) {
  const double d = shape + 1 - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = random.normal();
    const double v = std::pow(1 + c * x, 3);
    if (v <= 0) continue;
    if (std::log(1 - random.uniform()) >= x * x / 2 + d * (1 - v + std::log(v))) continue;
    const double draw = std::log(d * v) + std::log(1 - random.uniform()) / shape;
    return std::max(draw, std::numeric_limits<double>::lowest());
  }
}

}  // namespace valley
