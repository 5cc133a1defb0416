#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

/// The passes over a flat vector that a round is made of: each reads and writes memory once.
namespace valley {

/// x <- lerp(x, s/M, weight): x moves by the share `weight` of the way to the mean. weight 0 leaves
/// x as it is and weight 1 gives s/M, both exactly.
void lerp_to_mean(at::Tensor& x, const at::Tensor& sum, int workers, double weight);

/// The same, and s <- (x - s/M) * scale with the x from before.
void lerp_to_mean_keep_direction(at::Tensor& x, at::Tensor& sum, int workers, double weight,
                                 double scale);

/// out <- own x + sum_k weight_k (x_k - x), all [d]; `out` may be x or one of the x_k. Each block
/// of x and of the x_k is read once.
void mix_into(at::Tensor& out, const at::Tensor& x, double own, const std::vector<double>& weights,
              const std::vector<at::Tensor>& others);

/// a, b <- (a + b) / 2, both [d]. No threads of LibTorch are asked for.
void meet_in_the_middle(at::Tensor& a, at::Tensor& b);

}  // namespace valley
