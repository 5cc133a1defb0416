#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

/// The passes over a flat vector that a round is made of: each reads and writes memory once.
namespace valley {

/// Sums over a range of x [d] and s [d], the sum over M workers. Runs of 128 values are added in
/// the dtype of x and the runs in double, so that the relative error stays below 1e-6 in float32
/// however large d is.
struct SquaredNorms {
  double distance = 0;  ///< sum (x - s/M)^2
  double mean = 0;      ///< sum (s/M)^2

  SquaredNorms& operator+=(const SquaredNorms& other);
};
SquaredNorms squared_norms(const at::Tensor& x, const at::Tensor& sum, int workers, int64_t begin,
                           int64_t end);

/// x <- lerp(x, s/M, weight): x moves by the share `weight` of the way to the mean. weight 0 leaves
/// x as it is and weight 1 gives s/M, both exactly.
void lerp_to_mean(at::Tensor& x, const at::Tensor& sum, int workers, double weight);

/// The same, and s <- (x - s/M) * scale with the x from before.
void lerp_to_mean_keep_direction(at::Tensor& x, at::Tensor& sum, int workers, double weight,
                                 double scale);

/// out <- own x + sum_k weight_k (x_k - x), all [d]; `out` may be x. Each block of x and of the x_k
/// is read once.
void mix_into(at::Tensor& out, const at::Tensor& x, double own, const std::vector<double>& weights,
              const std::vector<at::Tensor>& others);

/// a, b <- (a + b) / 2, both [d]. No threads of LibTorch are asked for.
void meet_in_the_middle(at::Tensor& a, at::Tensor& b);

}  // namespace valley
