#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>

#include "valley/algorithms/registry.h"

namespace valley {

/// What methods remember that own an update of the kind of Adam's:
///
///     m <- b1 m + (1 - b1) g,   v <- b2 v + (1 - b2) g^2
class AdamMoments {
 public:
  static constexpr double kSmallest = 1e-8;  ///< in place of a modulus of 0

  /// @throws UsageError, which names the method, if the context has no learning rate.
  AdamMoments(const AlgorithmContext& context, const std::string& method);

  void begin(const at::Tensor& x);  ///< both 0
  void add(const at::Tensor& g);

  double rate(int64_t step) const { return learning_rate_(step); }

  at::Tensor mean, square;  ///< m and v, [d]

 private:
  double beta1_, beta2_;
  std::function<double(int64_t)> learning_rate_;
};

}  // namespace valley
