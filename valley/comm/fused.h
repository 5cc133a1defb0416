#pragma once

#include <ATen/core/Tensor.h>

namespace valley {

/// Whether a pass over x is one of Valley's own loops: x is in the memory of this machine, and
/// fused_passes() says so. Else LibTorch's operators do the same, wherever x is.
bool fused(const at::Tensor& x);

/// The values of `from` into `to`, contiguous and as many, whatever their shapes; nothing where
/// they are one memory already. Not recorded by autograd.
void copy_flat(const at::Tensor& to, const at::Tensor& from);

}  // namespace valley
