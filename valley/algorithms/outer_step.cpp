#include "valley/algorithms/outer_step.h"

#include <ATen/ops/zeros_like.h>

#include <cmath>

#include "valley/algorithms/kernels.h"
#include "valley/algorithms/pull_push.h"

namespace valley {

OuterStep::OuterStep() {
  keep("start", start_);
  keep("momentum", momentum_);
}

void OuterStep::begin(const at::Tensor& x) {
  start_ = x.clone();
  momentum_ = at::zeros_like(x);
}

void OuterStep::learn(const StepInfo&, PendingRound& met) {
  at::Tensor next = start_.clone();
  lerp_to_mean(next, met.sum, met.workers, 1);
  outer_step(met, start_, momentum_, next);
  start_.copy_(next);
}

RoundReport OuterStep::move(const StepInfo&, PendingRound& met, at::Tensor& x) {
  const SquaredNorms norms =
      met.norms ? *met.norms : squared_norms(x, met.sum, met.workers, 0, x.numel());
  x.copy_(start_);
  return pull_push_report(std::sqrt(norms.distance), 1, 0, met.share);
}

NesterovOverRounds::NesterovOverRounds(std::optional<double> learning_rate,
                                       std::optional<double> momentum, int64_t restart,
                                       int64_t fragments)
    : outer_{.learning_rate = learning_rate.value_or(0.7), .momentum = momentum.value_or(0.9)},
      restart_(restart),
      fragments_(fragments) {}

void NesterovOverRounds::outer_step(const PendingRound& met, const at::Tensor& start, at::Tensor& v,
                                    at::Tensor& x) {
  if (outer_.does_nothing()) return;
  if (restart_ > 0 && (met.number - 1) / fragments_ % restart_ == 0) v.zero_();
  at::Tensor step = start.sub(x);
  v.mul_(outer_.momentum).add_(step);
  step.add_(v, outer_.momentum);
  x.copy_(start).sub_(step, outer_.learning_rate);
}

}  // namespace valley
