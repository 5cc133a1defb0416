#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "valley/data/loader.h"
#include "valley/train/gradient.h"

namespace valley {

/// The gradient on one training batch more, for algorithms that ask (mgrawa, lgrawa). Its draw is
/// of (seed, worker, step) alone, without augmentation and in evaluation mode, which draws nothing:
/// so that asking changes nothing else.
class ExtraGradient {
 public:
  ExtraGradient(std::shared_ptr<const Dataset> train, Sampler& sampler, Gradient& gradient,
                uint64_t seed, int worker);

  /// By parameter, ||gradient|| on a batch as large as that of `step`.
  std::vector<double> norms(int64_t step);

  /// What norms() took since this was last asked.
  double take_seconds();

 private:
  std::shared_ptr<const Dataset> train_;
  Sampler& sampler_;
  Gradient& gradient_;
  uint64_t seed_;
  int worker_;
  std::optional<Loader> loader_;  // made when first asked for
  double seconds_ = 0;
};

}  // namespace valley
