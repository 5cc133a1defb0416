#include "valley/algorithms/optimizer_at_round.h"

#include "valley/core/error.h"

namespace valley {

std::function<void(Communicator&)> at_round(OptimizerState state, const AlgorithmContext& context) {
  constexpr Key kKey = {"optimizer-state"};
  if (state == OptimizerState::kReset) {
    require(bool(context.reset_optimizer), "{} reset needs AlgorithmContext::reset_optimizer",
            kKey);
    return [reset = context.reset_optimizer](Communicator&) { reset(); };
  }
  if (state == OptimizerState::kLocal) return [](Communicator&) {};
  require(bool(context.optimizer_state), "{} average needs AlgorithmContext::optimizer_state",
          kKey);
  return [remembered = context.optimizer_state](Communicator& comm) {
    if (comm.size() == 1) return;  // x / 1 has all its bits, but the call has a cost
    for (const at::Tensor& vector : remembered()) comm.all_reduce_mean(vector);
  };
}

}  // namespace valley
