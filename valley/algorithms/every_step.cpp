#include "valley/algorithms/every_step.h"

#include <ATen/ops/scalar_tensor.h>

namespace valley {

EveryStepAlgorithm::EveryStepAlgorithm(const AlgorithmContext& context) : comm_(context.comm) {}

AlgorithmState EveryStepAlgorithm::state() const {
  return {{"steps", at::scalar_tensor(steps_, at::kLong)}};
}

void EveryStepAlgorithm::load_state(const AlgorithmState& state) {
  steps_ = state_entry(state, "steps", at::kLong, 1).item<int64_t>();
}

}  // namespace valley
