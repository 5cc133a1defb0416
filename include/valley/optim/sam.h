#pragma once

#include <ATen/core/Tensor.h>

#include "valley/optim/options.h"

namespace valley {

/// Where sharpness-aware minimisation takes its gradient: x + e, the worst point nearby. x and the
/// gradient g at x are [d], and so is the result.
///
///     e = rho g / ||g||                          adaptive: e = rho T^2 g / ||T g||, T = |x| + 0.01
///     gradient(x + e) in place of g = gradient(x)
///
/// One norm over the whole vector. A zero gradient leads nowhere: x itself. It is a part of the
/// local gradient and composes with every algorithm: with ssgd each worker climbs along its own
/// gradient and only the second one is averaged. Cost: a second gradient a step.
///
/// Reference: Foret, Kleiner, Mobahi and Neyshabur, "Sharpness-Aware Minimization for Efficiently
/// Improving Generalization", ICLR 2021, arXiv:2010.01412; adaptive: Kwon, Kim, Park and Choi,
/// "ASAM", ICML 2021, arXiv:2102.11600, with their T and constant; but their code leaves biases out
/// of T (T = 1 for a parameter without "weight" in its name).
at::Tensor uphill(const SamOptions& options, const at::Tensor& x, const at::Tensor& g);

}  // namespace valley
