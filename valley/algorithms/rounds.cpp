#include "valley/algorithms/rounds.h"

#include <ATen/ops/tensor.h>

#include <utility>

#include "valley/algorithms/known_replicas.h"

namespace valley {

RoundsAlgorithm::RoundsAlgorithm(const PeriodSpec& period, const AlgorithmContext& context,
                                 std::unique_ptr<Meeting> meeting, std::unique_ptr<Rule> rule,
                                 const std::string& compress)
    : clock_(period, context.total_steps, context.steps_per_epoch, context.learning_rate,
             context.warmup_steps),
      meeting_(std::move(meeting)),
      rule_(std::move(rule)) {
  if (compress != "none") replicas_ = std::make_unique<KnownReplicas>(compress, context.seed);
}

RoundsAlgorithm::~RoundsAlgorithm() = default;

void RoundsAlgorithm::prepare(int workers) {
  meeting_->prepare(workers);
  rule_->prepare(workers);
}

void RoundsAlgorithm::do_join(const at::Tensor& x, int64_t step) {
  clock_.start_at(step);
  last_round_.reset();
  for (RoundPart* part : std::initializer_list<RoundPart*>{meeting_.get(), rule_.get()}) {
    part->forget();
    part->begin(x);
  }
  if (compressed()) replicas_->begin(comm(), x);
}

void RoundsAlgorithm::do_after_step(const StepInfo& info, at::Tensor& x) {
  last_round_.reset();
  meeting_->after_local_step(info, period(), x);
  rule_->after_local_step(info, period(), x);
  if (clock_.tick()) last_round_ = apply(info, begin_round(info, x), x);
}

PendingRound RoundsAlgorithm::begin_round(const StepInfo& info, const at::Tensor& x) {
  if (!compressed()) return meeting_->meet(comm(), x);
  replicas_->send(comm(), info.step, x);
  return meeting_->among(comm(), replicas_->all());
}

RoundReport RoundsAlgorithm::apply(const StepInfo& info, PendingRound met, at::Tensor& x) {
  rule_->learn(info, met);
  if (!compressed()) return rule_->move(info, met, x);
  return replicas_->move(info, *rule_, met, x);
}

// Compressed, the workers never quite know where the others are.
bool RoundsAlgorithm::final_average_needed() const {
  return clock_.final_average_needed() || (compressed() && rounds() > 0);
}

AlgorithmState RoundsAlgorithm::state() const {
  const RoundClock::State& s = clock_.state();
  AlgorithmState state = {
      {"clock", at::tensor({s.step, s.period, s.position, s.rounds}, at::kLong)}};
  meeting_->append_to(state);
  rule_->append_to(state);
  if (replicas_) replicas_->append_to(state);
  return state;
}

void RoundsAlgorithm::load_state(const AlgorithmState& state) {
  const at::Tensor clock = state_entry(state, "clock", at::kLong, 4);
  meeting_->load(state);
  rule_->load(state);
  if (replicas_) replicas_->load(state);
  const int64_t* v = clock.data_ptr<int64_t>();
  last_round_.reset();
  clock_.set_state({.step = v[0], .period = v[1], .position = v[2], .rounds = v[3]});
}

}  // namespace valley
