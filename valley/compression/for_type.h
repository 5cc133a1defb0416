#pragma once

#include <ATen/core/Tensor.h>

namespace valley {

/// f(values), values a pointer to what x holds: float or double.
template <typename F>
void for_type(const at::Tensor& x, const F& f) {
  if (x.scalar_type() == at::kDouble) return f(x.data_ptr<double>());
  f(x.data_ptr<float>());
}

}  // namespace valley
