#include "valley/analysis/measure_options.h"

#include <cmath>

#include "valley/core/error.h"

namespace valley {

void check(const MeasureOptions& o) {
  require(std::isfinite(o.valley.kappa) && o.valley.kappa > 1, "{} must be greater than 1, got {}",
          Key{"kappa"}, o.valley.kappa);
  require(o.draws >= 2, "{} must be at least 2, got {}", Key{"draws"}, o.draws);
  require(std::isfinite(o.rho) && o.rho > 0, "{} must be greater than 0, got {}", Key{"rho"},
          o.rho);
  require(std::isfinite(o.sigma) && o.sigma > 0, "{} must be greater than 0, got {}", Key{"sigma"},
          o.sigma);
  require(std::isfinite(o.rise) && o.rise > 0, "rise must be greater than 0, got {}", o.rise);
}

}  // namespace valley
