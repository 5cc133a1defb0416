#include "valley/algorithms/rounds.h"

#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include "valley/core/error.h"

namespace valley {

RoundsAlgorithm::RoundsAlgorithm(const AlgorithmOptions& options, const AlgorithmContext& context)
    : comm_(context.comm),
      clock_(options.period, context.total_steps, context.steps_per_epoch, context.learning_rate) {}

void RoundsAlgorithm::after_step(const StepInfo& info, at::Tensor& x) {
  last_round_.reset();
  after_local_step(info);
  if (clock_.tick()) last_round_ = round(info, x);
}

at::Tensor RoundsAlgorithm::find_state(const std::vector<std::pair<std::string, at::Tensor>>& state,
                                       const std::string& name) {
  for (const auto& [key, tensor] : state) {
    if (key == name) return tensor;
  }
  throw UsageError(fmt::format("the checkpoint is of another algorithm: it has no {}", name));
}

std::vector<std::pair<std::string, at::Tensor>> RoundsAlgorithm::state() const {
  const RoundClock::State& s = clock_.state();
  return {{"clock", at::tensor({s.step, s.period, s.position, s.rounds}, at::kLong)}};
}

void RoundsAlgorithm::load_state(const std::vector<std::pair<std::string, at::Tensor>>& state) {
  const at::Tensor clock = find_state(state, "clock");
  require(clock.scalar_type() == at::kLong && clock.numel() == 4,
          "the checkpoint's clock is damaged");
  const int64_t* v = clock.data_ptr<int64_t>();
  last_round_.reset();
  clock_.set_state({.step = v[0], .period = v[1], .position = v[2], .rounds = v[3]});
}

}  // namespace valley
