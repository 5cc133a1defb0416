#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/linalg_vector_norm.h>

namespace valley {

/// ||x||_2, added up in double without a copy in double.
inline double length(const at::Tensor& x) {
  return at::linalg_vector_norm(x, 2, c10::nullopt, false, at::kDouble).item<double>();
}

}  // namespace valley
