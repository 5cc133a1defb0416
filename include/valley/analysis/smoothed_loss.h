#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "valley/analysis/estimate.h"
#include "valley/analysis/noise.h"

namespace valley {

/// The unit direction [d] that a draw takes.
using Directions = std::function<at::Tensor(int64_t draw)>;

/// Draw k takes direction k mod n, so that one estimate is a mean over all of them; n >= 1.
Directions in_turn(std::vector<at::Tensor> directions);

struct SmoothedLossOptions {
  double sigma = 0.01;  ///< deviation of the noise in every parameter; 0: the loss itself
  double step = 0.01;   ///< h, a distance along a unit direction; > 0
  int64_t draws = 20;
  uint64_t seed = 0;
};

/// What noise of the learners makes of the loss: L~(x) = E L(x + sigma z), z ~ N(0, I_d).
struct SmoothedLoss {
  Estimate loss;  ///< L~(x)
  /// u^T (hess L~) u for every group of directions.
  std::vector<Estimate> curvatures;
  /// By group: the largest |L(y + h u) - L(y - h u)| / (2 h) met at a y = x + sigma z, a stand-in
  /// from below for G_u = sup |dL / du|.
  std::vector<double> slopes;
};

/// Estimates L~ and its curvature along unit directions u by second differences whose three points
/// share their noise:
///
///     L~             = mean_k L(x + sigma z_k)
///     u^T hess L~ u  = mean_k [L(y_k + h u) - 2 L(y_k) + L(y_k - h u)] / h^2,  y_k = x + sigma z_k
///
/// The common noise cancels all but the curvature along u at y_k; the identity
/// E L(y) ((u . z)^2 - 1) / sigma^2 needs no differences, but carries the noise of all d
/// directions. The differences see the curvature of L~ over +-h, exactly that of L~ averaged with
/// the weights (h - |s|) / h^2: keep h at sigma or below.
///
/// A direction is asked for once a draw, in order. `groups` may be empty.
///
/// Cost: draws (1 + 2 groups) losses.
/// @throws UsageError if a loss is not finite or an option is out of range.
SmoothedLoss smoothed_loss(const LossFunction& loss, const at::Tensor& x,
                           const std::vector<Directions>& groups,
                           const SmoothedLossOptions& options);

/// A smoothed loss is smooth however the loss is: |u^T hess L~ u| <= sqrt(2 / pi) G / sigma where
/// |dL / du| <= G. Infinite for sigma 0.
double smoothness_bound(double slope, double sigma);

}  // namespace valley
