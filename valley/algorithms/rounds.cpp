#include "valley/algorithms/rounds.h"

#include <ATen/ops/tensor.h>

namespace valley {

RoundsAlgorithm::RoundsAlgorithm(const AlgorithmOptions& options, const AlgorithmContext& context)
    : clock_(options.period, context.total_steps, context.steps_per_epoch, context.learning_rate,
             context.warmup_steps) {}

void RoundsAlgorithm::do_after_step(const StepInfo& info, at::Tensor& x) {
  last_round_.reset();
  after_local_step(info, x);
  if (clock_.tick()) last_round_ = round(info, x);
}

void RoundsAlgorithm::do_join(const at::Tensor& x, int64_t step) {
  clock_.start_at(step);
  kept_.forget();
  last_round_.reset();
  begin(x);
}

AlgorithmState RoundsAlgorithm::state() const {
  const RoundClock::State& s = clock_.state();
  AlgorithmState state = {
      {"clock", at::tensor({s.step, s.period, s.position, s.rounds}, at::kLong)}};
  kept_.append_to(state);
  return state;
}

void RoundsAlgorithm::load_state(const AlgorithmState& state) {
  const at::Tensor clock = state_entry(state, "clock", at::kLong, 4);
  kept_.load(state);
  const int64_t* v = clock.data_ptr<int64_t>();
  last_round_.reset();
  clock_.set_state({.step = v[0], .period = v[1], .position = v[2], .rounds = v[3]});
}

}  // namespace valley
