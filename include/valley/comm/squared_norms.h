#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace valley {

/// Sums over x [d] and s [d], the sum over M workers, or over a range of them.
struct SquaredNorms {
  double distance = 0;  ///< sum (x - s/M)^2
  double mean = 0;      ///< sum (s/M)^2

  SquaredNorms& operator+=(const SquaredNorms& other);
};

/// Of [begin, end), both float or double and on one device. In the memory of this machine runs of
/// 128 values are added in the dtype of x and the runs in double, so that the relative error stays
/// below 1e-6 in float32 however large d is; elsewhere it is squared_norms_on_device() of that
/// part.
SquaredNorms squared_norms(const at::Tensor& x, const at::Tensor& sum, int workers, int64_t begin,
                           int64_t end);

/// Of all of x, on whatever device it is: two passes of LibTorch's operators, squares in the dtype
/// of x and sums in double.
SquaredNorms squared_norms_on_device(const at::Tensor& x, const at::Tensor& sum, int workers);

}  // namespace valley
