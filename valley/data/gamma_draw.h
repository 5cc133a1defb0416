#pragma once

#include "valley/core/random.h"

namespace valley {

/// The logarithm of a draw of Gamma(shape), since for a small shape most draws are too small for
/// a double. Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS 26,
/// 2000: their method for shapes of at least 1, and U^(1/shape) to come down by one.
double log_gamma_draw(double shape, Random& random);

}  // namespace valley
