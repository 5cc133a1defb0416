#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>

#include "valley/analysis/noise.h"
#include "valley/analysis/objective.h"

namespace valley {

using GradientFunction = std::function<LossGradient(const at::Tensor&)>;

/// How soon the loss rises along its gradient g:
///
///     t:  L(x + t g) - L(x) = rise
///     eps-sharpness = 1 / (t ||g||)
///
/// t ||g|| is a distance in parameter space; where the gradient is small only its direction
/// counts. Nothing if the loss does not rise that much within a distance of 1e4.
///
/// Cost: about 15 losses. @throws UsageError for a gradient that is zero or not finite.
std::optional<double> epsilon_sharpness(const LossFunction& loss, const at::Tensor& x,
                                        const LossGradient& at, double rise = 0.1);

struct SamSearch {
  double rho = 0.05;   ///< radius; > 0
  int64_t steps = 10;  ///< of the search
};

struct SamSharpness {
  double rise = 0;      ///< the highest L(x + e) - L(x) found
  double one_step = 0;  ///< that of the single step that SAM takes, e = rho g / ||g||
};

/// max { L(x + e) - L(x) : ||e|| <= rho }, from below: the search starts where SAM goes and then
/// repeats e <- rho grad L(x + e) / ||grad L(x + e)||, which for a quadratic is a power iteration.
/// Needs no choice of step, never leaves the sphere, and keeps the highest it has seen.
///
/// Cost: `steps` gradients. @throws UsageError for a gradient that is zero or not finite.
///
/// Reference: the inner problem of Foret, Kleiner, Mobahi and Neyshabur, "Sharpness-Aware
/// Minimization for Efficiently Improving Generalization", ICLR 2021, arXiv:2010.01412. More than
/// one step is ours.
SamSharpness sam_sharpness(const GradientFunction& gradient, const at::Tensor& x,
                           const LossGradient& at, const SamSearch& options = {});

}  // namespace valley
