#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "valley/analysis/estimate.h"

namespace valley {

/// One step of n learners, taken apart along the gradient g = grad L(w_a) at their average:
///
///     g_a      = mean_j g_j(w_j)                    what the average moves by, on mini-batches
///     -alpha g_a = -alpha_e g + eta,  eta . g = 0   along g, and across it
///     alpha_e  = alpha (g_a . g) / ||g||^2          the effective learning rate
///     Delta    = ||eta||^2                          the noise strength
///     g_a      = g + zeta_S + zeta_2
///     zeta_S   = mean_j g_j(w_a) - g                mini-batch noise, all that SSGD has
///     zeta_2   = mean_j [g_j(w_j) - g_j(w_a)]       what the learners' spread adds
///
/// With P the projection across g, Delta = alpha^2 ||P zeta_S + P zeta_2||^2. All is given for
/// alpha = 1: alpha_e in units of alpha, Delta in units of alpha^2.
///
/// Reference: Zhang and others, "Loss Landscape Dependent Self-Adjusting Learning Rates in
/// Decentralized Stochastic Gradient Descent", 2021, arXiv:2112.01433, which we know from its
/// abstract; the formulas are our reading of it.
struct StepParts {
  double rate = 0;           ///< alpha_e / alpha
  double spread_rate = 0;    ///< 1 + (zeta_2 . g) / ||g||^2: the same without the mini-batch's luck
  double noise = 0;          ///< Delta / alpha^2
  double batch_square = 0;   ///< ||zeta_S||^2
  double spread_square = 0;  ///< ||zeta_2||^2
  double batch_noise = 0;    ///< ||P zeta_S||^2
  double spread_noise = 0;   ///< ||P zeta_2||^2
  double joint_noise = 0;    ///< 2 (P zeta_S) . (P zeta_2); noise = the sum of the three
};

/// Takes one step apart. All [d].
///   gradient     g
///   at_average   mean_j g_j(w_a)
///   at_learners  mean_j g_j(w_j), on the same mini-batches
/// @throws UsageError if g is zero: then nothing is along it.
StepParts step_parts(const at::Tensor& gradient, const at::Tensor& at_average,
                     const at::Tensor& at_learners);

/// The means over steps, with standard errors. Of `noise` etc. as in StepParts.
struct EffectiveRate {
  Estimate rate, spread_rate, noise, batch_square, spread_square, batch_noise, spread_noise,
      joint_noise;
};
EffectiveRate effective_rate(const std::vector<StepParts>& steps);

}  // namespace valley
