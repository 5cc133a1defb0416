#pragma once

#include <cstdint>
#include <functional>

#include "valley/algorithms/registry.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

/// A strength that falls with the learning rate eta: 1 until the warm-up is over, at step s, and
///
///     gamma_t = least + (1 - least) min(1, eta_t / eta_s)^power
///
/// from then on. power 0: always 1. Where eta rises once more, eta_s is its highest so far.
class Fading {
 public:
  /// @throws UsageError if power is above 0 and the context has no learning rate.
  Fading(double power, double least, const AlgorithmContext& context);

  double at(int64_t step) const;

 private:
  double power_, least_;
  int64_t start_;
  mutable double highest_ = 0;
  std::function<double(int64_t)> learning_rate_;
};

}  // namespace valley
