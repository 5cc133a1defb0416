#include "valley/instruments/duality_options.h"

#include "valley/core/error.h"
#include "valley/instruments/sample.h"

namespace valley {

void check(const DualityOptions& options) {
  check_sample(options.samples, options.seed);
  require(options.directions >= 1, "{} must be at least 1, got {}", Key{"directions"},
          options.directions);
}

}  // namespace valley
