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

void OuterStep::learn(const StepInfo& info, PendingRound& met) {
  at::Tensor next = start_.clone();
  lerp_to_mean(next, met.sum, met.workers, 1);
  outer_step(info, start_, momentum_, next);
  start_.copy_(next);
}

RoundReport OuterStep::move(const StepInfo&, PendingRound& met, at::Tensor& x) {
  const SquaredNorms norms =
      met.norms ? *met.norms : squared_norms(x, met.sum, met.workers, 0, x.numel());
  x.copy_(start_);
  return pull_push_report(std::sqrt(norms.distance), 1, 0, met.share);
}

}  // namespace valley
