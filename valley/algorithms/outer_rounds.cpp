#include "valley/algorithms/outer_rounds.h"

#include <ATen/ops/zeros_like.h>

#include "valley/core/error.h"

namespace valley {

OuterOptions check_outer(const AlgorithmOptions& options, const OuterOptions& own) {
  const OuterOptions outer = {options.outer_lr.value_or(own.learning_rate),
                              options.outer_momentum.value_or(own.momentum)};
  require(outer.learning_rate > 0, "--outer-lr must be above 0, got {}", outer.learning_rate);
  require(0 <= outer.momentum && outer.momentum < 1, "--outer-momentum must be in [0, 1), got {}",
          outer.momentum);
  return outer;
}

OuterRounds::OuterRounds(const AlgorithmOptions& options, const AlgorithmContext& context)
    : RoundsAlgorithm(options, context) {
  keep("start", start_);
  keep("momentum", momentum_);
}

void OuterRounds::begin(const at::Tensor& x) {
  start_ = x.clone();
  momentum_ = at::zeros_like(x);
}

RoundReport OuterRounds::round(const StepInfo& info, at::Tensor& x) {
  const RoundReport report = average_.round(x, comm());
  outer_step(info, start_, momentum_, x);
  start_.copy_(x);
  return report;
}

}  // namespace valley
