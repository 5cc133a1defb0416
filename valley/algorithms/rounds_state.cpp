// What rounds remember: looked at, saved and loaded.
#include <ATen/ops/tensor.h>

#include "valley/algorithms/rounds.h"
#include "valley/algorithms/slices.h"

namespace valley {

// What was begun earlier may still be under way.
bool RoundsAlgorithm::talks_after_step() const {
  const int64_t now = clock_.position(), count = slices_->size();
  return delay_ > 0 ||
         fragments_met(count, period(), now + 1) > fragments_met(count, period(), now);
}

AlgorithmState RoundsAlgorithm::state() const {
  const RoundClock::State& s = clock_.state();
  AlgorithmState state = {
      {"clock", at::tensor({s.step, s.period, s.position, s.rounds}, at::kLong)}};
  slices_->append_to(state);
  return state;
}

void RoundsAlgorithm::load_state(const AlgorithmState& state) {
  const at::Tensor clock = state_entry(state, "clock", at::kLong, 4);
  slices_->load(state);
  const int64_t* v = clock.data_ptr<int64_t>();
  clock_.set_state({.step = v[0], .period = v[1], .position = v[2], .rounds = v[3]});
}

}  // namespace valley
