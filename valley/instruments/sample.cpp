#include "valley/instruments/sample.h"

#include "valley/core/error.h"

namespace valley {

void check_sample(int64_t samples, int64_t seed) {
  require(samples >= 0, "{} must be at least 0, got {}", Key{"samples"}, samples);
  require(seed >= 0, "{} must be at least 0, got {}", Key{"seed"}, seed);
}

}  // namespace valley
