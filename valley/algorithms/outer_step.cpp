#include "valley/algorithms/outer_step.h"

#include <ATen/ops/zeros_like.h>

#include <cmath>

#include "valley/algorithms/kernels.h"
#include "valley/algorithms/pull_push.h"
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

OuterStep::OuterStep() {
  keep("start", start_);
  keep("momentum", momentum_);
}

void OuterStep::begin(const at::Tensor& x) {
  start_ = x.clone();
  momentum_ = at::zeros_like(x);
}

void OuterStep::learn(const StepInfo& info, const PendingRound& met) {
  at::Tensor next = start_.clone();
  lerp_to_mean(next, met.sum, met.workers, 1);
  outer_step(info, start_, momentum_, next);
  start_.copy_(next);
}

RoundReport OuterStep::move(const StepInfo&, PendingRound& met, at::Tensor& x) {
  const SquaredNorms norms =
      met.norms ? *met.norms : squared_norms(x, met.sum, met.workers, 0, x.numel());
  x.copy_(start_);
  return pull_push_report(std::sqrt(norms.distance), 1, 0);
}

}  // namespace valley
