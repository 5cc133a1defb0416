#include "valley/instruments/dynamics_options.h"

#include <cmath>

#include "valley/core/error.h"
#include "valley/instruments/sample.h"

namespace valley {

void check(const DynamicsOptions& options) {
  check_sample(options.samples, options.seed);
  require(options.draws >= 2, "{} must be at least 2, got {}", Key{"draws"}, options.draws);
  require(options.eigenvectors >= 0, "{} must be at least 0, got {}", Key{"eigenvectors"},
          options.eigenvectors);
  require(std::isfinite(options.sigma) && options.sigma >= 0, "{} must be at least 0, got {}",
          Key{"sigma"}, options.sigma);
}

}  // namespace valley
