#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "valley/comm/lerp_to_mean.h"

/// The passes over a flat vector that a round is made of: each reads and writes memory once.
namespace valley {

/// lerp_to_mean(), and s <- (x - s/M) * scale with the x from before.
void lerp_to_mean_keep_direction(at::Tensor& x, at::Tensor& sum, int workers, double weight,
                                 double scale);

/// out <- own x + sum_k weight_k (x_k - x), all [d]; `out` may be x or one of the x_k. Each block
/// of x and of the x_k is read once.
void mix_into(at::Tensor& out, const at::Tensor& x, double own, const std::vector<double>& weights,
              const std::vector<at::Tensor>& others);

/// a, b <- (a + b) / 2, both [d]. No threads of LibTorch are asked for.
void meet_in_the_middle(at::Tensor& a, at::Tensor& b);

}  // namespace valley
