#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

/// The passes of kernels.h by LibTorch's operators, wherever the tensors are: the same formulas, so
/// that results differ by rounding only. Each takes d values more for a while.
namespace valley::operators {

void lerp_to_mean_keep_direction(at::Tensor& x, at::Tensor& sum, int workers, double weight,
                                 double scale);

void mix_into(at::Tensor& out, const at::Tensor& x, double own, const std::vector<double>& weights,
              const std::vector<at::Tensor>& others);

void meet_in_the_middle(at::Tensor& a, at::Tensor& b);

}  // namespace valley::operators
