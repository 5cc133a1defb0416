#pragma once

#include <ATen/core/Tensor.h>

namespace valley {

/// x [d], each value -1, 0 or 1 -> uint8 [ternary_bytes(d)].
at::Tensor pack_ternary(const at::Tensor& x);

/// sum [d] <- sum + what was packed.
void add_ternary(const at::Tensor& payload, at::Tensor& sum);

}  // namespace valley
