#include "valley/algorithms/fading.h"

#include <algorithm>
#include <cmath>

#include "valley/core/error.h"

namespace valley {

Fading::Fading(double power, double least, const AlgorithmContext& context)
    : power_(power),
      least_(least),
      start_(context.warmup_steps),
      learning_rate_(context.learning_rate) {
  require(power_ == 0 || bool(learning_rate_),
          "{} needs the learning rate of a step (AlgorithmContext::learning_rate)", Key{"fade"});
}

double Fading::at(int64_t step) const {
  if (power_ == 0 || step < start_) return 1;
  const double rate = learning_rate_(step);
  // A loop of somebody else's knows the present rate only.
  highest_ = std::max({highest_, learning_rate_(start_), rate});
  const double share = highest_ > 0 ? rate / highest_ : 1;
  return least_ + (1 - least_) * std::pow(share, power_);
}

}  // namespace valley
