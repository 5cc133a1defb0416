#pragma once

#include <cstdint>

namespace valley {

/// The options by which every instrument draws its examples. @throws UsageError if one is below 0.
void check_sample(int64_t samples, int64_t seed);

}  // namespace valley
