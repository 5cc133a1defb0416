#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "valley/core/error.h"

/// What passes over vectors may be called with.
namespace valley {

/// Of one size, place and type, float or double, and each in one piece of memory.
inline void check_alike(const at::Tensor& a, const at::Tensor& b) {
  TORCH_INTERNAL_ASSERT(a.is_contiguous() && b.is_contiguous() && a.numel() == b.numel() &&
                        a.scalar_type() == b.scalar_type() && a.device() == b.device());
  require(a.scalar_type() == at::kFloat || a.scalar_type() == at::kDouble,
          "parameters must be float32 or float64, got {}", std::string(a.dtype().name()));
}

/// Calls f with a value of x's element type: float or double, what a Communicator sums.
template <typename F>
auto with_type_of(const at::Tensor& x, const F& f) {
  if (x.scalar_type() == at::kDouble) return f(double());
  return f(float());
}

}  // namespace valley
