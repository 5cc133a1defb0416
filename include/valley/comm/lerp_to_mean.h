#pragma once

#include <ATen/core/Tensor.h>

namespace valley {

/// x <- lerp(x, s/M, weight): x moves by the share `weight` of the way to the mean. weight 0 leaves
/// x as it is and weight 1 gives s/M, both exactly. Both [d], float or double; reads x and s and
/// writes x once.
void lerp_to_mean(at::Tensor& x, const at::Tensor& sum, int workers, double weight);

}  // namespace valley
