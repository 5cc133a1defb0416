#pragma once

#include <ATen/core/Tensor.h>

namespace valley {

struct SamOptions {
  double rho = 0;         ///< how far uphill, >= 0; 0 turns it off
  bool adaptive = false;  ///< distances in units of the parameters' size
};

/// @throws UsageError if rho is negative or no number.
void check(const SamOptions& options);

/// Sharpness-aware minimisation: the gradient is taken at the worst point nearby.
///
///     e = rho g / ||g||                          adaptive: e = rho T^2 g / ||T g||, T = |x| + 0.01
///     gradient(x + e) in place of g = gradient(x)
///
/// One norm over the whole vector. A zero gradient leaves x where it is. It is a part of the local
/// gradient and composes with every algorithm: with ssgd each worker climbs along its own gradient
/// and only the second one is averaged. Cost: a second gradient a step. Memory: d (adaptive 2 d).
///
/// Reference: Foret, Kleiner, Mobahi and Neyshabur, "Sharpness-Aware Minimization for Efficiently
/// Improving Generalization", ICLR 2021, arXiv:2010.01412; adaptive: Kwon, Kim, Park and Choi,
/// "ASAM", ICML 2021, arXiv:2102.11600, with their T and constant.
class Sam {
 public:
  /// @throws UsageError as check() does.
  explicit Sam(const SamOptions& options);

  bool on() const { return options_.rho > 0; }

  /// x <- x + e, g [d] the gradient at x.
  void climb(at::Tensor& x, const at::Tensor& g);

  /// x as it was before climb(), to the bit.
  void come_back(at::Tensor& x) const;

 private:
  SamOptions options_;
  at::Tensor before_;  // [d]
};

}  // namespace valley
