// What rounds remember: looked at, saved and loaded.
#include <ATen/ops/tensor.h>

#include "valley/algorithms/fewer_steps.h"
#include "valley/algorithms/rounds.h"
#include "valley/algorithms/slices.h"

namespace valley {

// What was begun earlier may still be under way. Where it can be dropped, nothing fails as it
// begins.
bool RoundsAlgorithm::talks_after_step() const {
  const int64_t now = clock_.position(), count = slices_->size(), step = clock_.state().step;
  const bool meets = fragments_met(count, period(), now + 1) > fragments_met(count, period(), now);
  if (delay_ == 0) return meets;
  if (!come_and_go_) return true;
  const bool sends = slices_->compressed() && step >= first_step_;
  return slices_->begun(step - delay_) || (meets && (sends || slices_->begun(step)));
}

// Every slice that has met in this period is one, and so is every one of the periods before.
int64_t RoundsAlgorithm::rounds() const {
  return clock_.rounds() * slices_->size() +
         fragments_met(slices_->size(), clock_.period(), clock_.position());
}

// Compressed, the workers never quite know where the others are; nor do they where they have gone
// on meanwhile, or where slices met at different times.
bool RoundsAlgorithm::final_average_needed() const {
  const bool known = comm().size() == 1 || (delay_ == 0 && slices_->of_all());
  return clock_.final_average_needed() || (!known && rounds() > 0);
}

void RoundsAlgorithm::do_quiesce() { slices_->arrive(); }

at::Tensor RoundsAlgorithm::do_view(const at::Tensor& x) const { return slices_->view(x); }

AlgorithmState RoundsAlgorithm::state() const {
  const RoundClock::State& s = clock_.state();
  AlgorithmState state = {
      {"clock", at::tensor({s.step, s.period, s.position, s.rounds}, at::kLong)}};
  slices_->append_to(state);
  if (fewer_steps_) fewer_steps_->append_to(state);
  return state;
}

void RoundsAlgorithm::load_state(const AlgorithmState& state) {
  const at::Tensor clock = state_entry(state, "clock", at::kLong, 4);
  slices_->load(state);
  if (fewer_steps_) fewer_steps_->load(state);
  const int64_t* v = clock.data_ptr<int64_t>();
  clock_.set_state({.step = v[0], .period = v[1], .position = v[2], .rounds = v[3]});
}

}  // namespace valley
