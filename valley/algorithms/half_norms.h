#pragma once

#include <cstdint>
#include <vector>

#include "valley/algorithms/half_kernels.h"
#include "valley/comm/squared_norms.h"

namespace valley {

/// add_coded() of one row, or of what average_coded() makes of two, and squared_norms() of x
/// against the sum, which is written nowhere; n values.
SquaredNorms add_coded_norms(Half format, const std::vector<const uint16_t*>& rows, float* known,
                             const float* x, int workers, int64_t n);

}  // namespace valley
