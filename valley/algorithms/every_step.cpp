#include "valley/algorithms/every_step.h"

#include <ATen/ops/scalar_tensor.h>

namespace valley {

void EveryStepAlgorithm::do_join(const at::Tensor& x, int64_t) {
  steps_ = 0;
  kept_.forget();
  begin(x);
}

AlgorithmState EveryStepAlgorithm::state() const {
  AlgorithmState state = {{"steps", at::scalar_tensor(steps_, at::kLong)}};
  kept_.append_to(state);
  return state;
}

void EveryStepAlgorithm::load_state(const AlgorithmState& state) {
  const at::Tensor steps = state_entry(state, "steps", at::kLong, 1);
  kept_.load(state);
  steps_ = steps.item<int64_t>();
}

}  // namespace valley
