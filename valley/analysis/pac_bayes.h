#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

#include "valley/analysis/estimate.h"
#include "valley/analysis/noise.h"

namespace valley {

struct PacBayesOptions {
  double rise = 0.1;  ///< of the loss that the noise may cause; > 0
  int64_t draws = 20;
  uint64_t seed = 0;
  double tolerance = 2e-2;  ///< of the rise, relative
};

struct PacBayes {
  double sigma = 0;  ///< the noise that the minimum bears
  Estimate measure;  ///< larger is sharper; its error is that of E L carried over to sigma
};

/// How much noise the weights bear, against how far they have come:
///
///     sigma:  E L(x + sigma z) - L(x) = rise,  z ~ N(0, I_d)
///     measure = ||x - x_0||^2 / (4 sigma^2) + log(2 n / 1e-6)
///
/// with n examples. The rise is searched with the same draws for every sigma. Nothing if the loss
/// does not rise that much for any sigma up to 1e4.
///
/// Cost: about 6 * draws losses.
///
/// Reference: the measure of Jiang, Neyshabur, Mobahi, Krishnan and Bengio, "Fantastic
/// Generalization Measures and Where to Find Them", ICLR 2020, arXiv:1912.02178, in this form.
std::optional<PacBayes> pac_bayes(const LossFunction& loss, const at::Tensor& x,
                                  const at::Tensor& initial, double loss_at_x, int64_t examples,
                                  const PacBayesOptions& options);

/// McAllester's bound for normal noise as wide as the valley, around a normal prior:
///
///     Q = N(x_A, (r^2 / d) I),  P = N(x_0, s^2 I),  D = ||x_A - x_0||
///     KL = (r^2 / s^2 + D^2 / s^2 - d + d ln(d s^2 / r^2)) / 2
///     bound = E_Q error + sqrt((KL + ln(2 sqrt(n) / delta)) / (2 n))
///
/// with s^2 = (r^2 + D^2) / d, where KL is smallest: (d / 2) ln(1 + D^2 / r^2). `error` is the
/// share of wrong answers under Q, in [0, 1]. A choice of s after training is not what the theorem
/// allows for, so this is a figure to compare with and no certificate. Above 1 it says nothing.
///
/// Reference: McAllester, "PAC-Bayesian Stochastic Model Selection", Machine Learning 51, 2003; the
/// constant 2 sqrt(n) is Maurer's, 2004, arXiv:cs/0411099. Taking the valley's radius is ours.
double valley_bound(double error, double radius, double distance, int64_t dimension,
                    int64_t examples, double delta = 0.05);

}  // namespace valley
