#include "valley/algorithms/consensus.h"

#include <ATen/core/TensorBody.h>

#include <cmath>

#include "valley/algorithms/kernels.h"
#include "valley/comm/squared_norms.h"

namespace valley {

Consensus::Consensus(const PullPushOptions& options, PushShape schedule)
    : options_(options), schedule_(schedule) {
  check(options_);
}

RoundReport Consensus::move(const StepInfo& info, PendingRound& met, at::Tensor& x) {
  TORCH_INTERNAL_ASSERT(!pushes() || met.sum.defined(), "a push needs the sum of all workers");
  const double alpha = options_.pull;
  const SquaredNorms norms = pushes() ? squared_norms(x, met.sum, met.workers, 0, x.numel())
                                      : squared_norms(x, met.goal(), met.shares(), 0, x.numel());
  const double factor =
      push_factor(schedule_, info.progress()) * push_of_slice(options_, met.share);
  const PushStrength push = push_strength(options_, factor, norms, met.workers, x.scalar_type());
  if (push.share > 0 && met.center.defined()) {
    // sum <- the push; x stays
    lerp_to_mean_keep_direction(x, met.sum, met.workers, 0, push.share);
    lerp_to_mean(x, met.center, 1, alpha);
    x.add_(met.sum);
  } else {
    lerp_to_mean(x, met.goal(), met.shares(), alpha - push.share);
  }
  return pull_push_report(std::sqrt(norms.distance), alpha, push.lambda, met.share);
}

}  // namespace valley
