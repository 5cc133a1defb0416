#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "valley/analysis/estimate.h"

namespace valley {

/// A loss at a flat vector [d].
using LossFunction = std::function<double(const at::Tensor&)>;

/// L(x + sigma z_k) for k = 0 .. draws - 1, z ~ N(0, I_d). The same draws for every sigma.
/// @throws UsageError if a loss is not finite.
std::vector<double> losses_around(const LossFunction& loss, const at::Tensor& x, double sigma,
                                  int64_t draws, uint64_t seed);

/// The loss through a low-pass filter: E L(x + sigma z), z ~ N(0, I_d).
///
/// Reference: Bisla, Wang and Choromanska, "Low-Pass Filtering SGD for Recovering Flat Optima in
/// the Deep Learning Optimization Landscape", AISTATS 2022, arXiv:2201.08025.
Estimate low_pass(const std::vector<double>& losses);

/// Local entropy with the constant left out that depends on sigma and d alone:
///
///     log E exp(-L(x + sigma z))        = log of integral exp(-L(y) - ||y - x||^2 / (2 sigma^2))
///     dy
///                                         - (d/2) log(2 pi sigma^2)
///
/// Larger is flatter. For a loss that varies little around x it is close to -E L(x + sigma z).
///
/// Reference: Chaudhuri and others, "Entropy-SGD: Biasing Gradient Descent Into Wide Valleys",
/// ICLR 2017, arXiv:1611.01838.
Estimate local_entropy(const std::vector<double>& losses);

/// How much the loss rises on average in the directions in which the workers differ:
///
///     E L(x_A + e) - L(x_A),    e = sum_m xi_m (x_m - x_A) / sqrt(M),    xi ~ N(0, I_M)
///
/// so that the covariance of e is that of the workers. For a quadratic it is trace(H Cov) / 2.
/// @throws UsageError if a loss is not finite.
///
/// Reference: Zhu and others, "Decentralized SGD and Average-direction SAM are Asymptotically
/// Equivalent", ICML 2023, arXiv:2306.02913: what decentralised SGD minimises in place of L.
Estimate average_direction(const LossFunction& loss, const at::Tensor& average,
                           const std::vector<at::Tensor>& workers, double loss_at_average,
                           int64_t draws, uint64_t seed);

}  // namespace valley
