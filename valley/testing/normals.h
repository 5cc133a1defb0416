#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <cstdint>

#include "valley/core/random.h"

namespace valley {

/// A tensor of standard normal numbers that depends on the seed alone, whatever LibTorch's version.
inline at::Tensor normals(at::IntArrayRef sizes, uint64_t seed,
                          at::ScalarType dtype = at::kDouble) {
  Random random(seed);
  at::Tensor x = at::empty(sizes, at::kDouble);
  for (int64_t i = 0; i < x.numel(); ++i) x.data_ptr<double>()[i] = random.normal();
  return x.to(dtype);
}

}  // namespace valley
