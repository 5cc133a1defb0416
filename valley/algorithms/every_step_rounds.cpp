#include "valley/algorithms/every_step_rounds.h"

#include <utility>

namespace valley {

EveryStepRounds::EveryStepRounds(std::unique_ptr<Meeting> meeting, std::unique_ptr<Rule> rule,
                                 MixingOrder order, int64_t period)
    : round_(std::move(meeting), std::move(rule)), order_(order), period_(period) {}

AlgorithmState EveryStepRounds::state() const {
  AlgorithmState state = EveryStepAlgorithm::state();
  round_.append_to(state);
  return state;
}

void EveryStepRounds::load_state(const AlgorithmState& state) {
  round_.load(state);
  EveryStepAlgorithm::load_state(state);
}

void EveryStepRounds::do_before_gradient(const StepInfo& info, at::Tensor& x) {
  if ((steps() + 1) % period_ != 0) return;
  if (order_ == MixingOrder::kAwc && !alone()) {
    round_.meeting().start(comm(), x, info.step / period_);
  }
  if (order_ == MixingOrder::kCta) apply(info, meet(info, x), x);
}

void EveryStepRounds::do_after_step(const StepInfo& info, at::Tensor& x) {
  count_step();
  round_.after_local_step(info, period_, x);
  if (steps() % period_ != 0) return;
  if (order_ == MixingOrder::kAwc) {
    apply(info, alone() ? PendingRound{} : round_.meeting().finish(), x);
  }
  if (order_ == MixingOrder::kAtc) apply(info, meet(info, x), x);
}

PendingRound EveryStepRounds::meet(const StepInfo& info, const at::Tensor& x) {
  return alone() ? PendingRound{} : round_.meeting().meet(comm(), x, info.step / period_);
}

void EveryStepRounds::apply(const StepInfo& info, PendingRound met, at::Tensor& x) {
  met.begun = info;
  met.number = info.step / period_;
  round_.rule().learn(info, met);
  round_.rule().move(info, met, x);
  round_.rule().arrived(info, x);
}

}  // namespace valley
