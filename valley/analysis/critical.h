#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "valley/analysis/noise.h"
#include "valley/analysis/objective.h"

namespace valley {

struct CriticalStep {
  double eta = 0;          ///< 0 where u does not lead down
  bool converged = false;  ///< to a thousandth
  int64_t losses = 0;      ///< taken
};

/// How large a step along an update u may be before the loss rises:
///
///     eta_c    = inf { eta > 0 : L(x - eta u) > L(x) }
///     lambda_c = 2 / eta_c                               the critical sharpness
///
/// On a quadratic lambda_c = u^T H u / (g^T u), for an eigenvector u = g its eigenvalue; at a
/// learning rate above eta_c a step along u does not pay. Where g^T u <= 0 eta_c is 0.
///
/// Found by the parabola through L(x), its slope and the last point, kept between the largest step
/// known to pay and the smallest known not to; two losses on a quadratic, at most `most`.
///
/// Reference: arXiv:2601.16979, which asks for fewer than ten forward passes; the search is ours.
CriticalStep critical_step(const LossFunction& loss, const at::Tensor& x, const LossGradient& at,
                           const at::Tensor& u, int64_t most = 9);

}  // namespace valley
