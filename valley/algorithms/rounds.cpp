#include "valley/algorithms/rounds.h"

#include <ATen/ops/tensor.h>

#include <utility>

#include "valley/algorithms/known_replicas.h"
#include "valley/core/error.h"

namespace valley {

RoundsAlgorithm::RoundsAlgorithm(const PeriodSpec& period, const AlgorithmContext& context,
                                 std::unique_ptr<Meeting> meeting, std::unique_ptr<Rule> rule,
                                 const std::string& compress)
    : clock_(period, context.total_steps, context.steps_per_epoch, context.learning_rate,
             context.warmup_steps),
      round_(std::move(meeting), std::move(rule)) {
  if (compress != "none") replicas_ = std::make_unique<KnownReplicas>(compress, context.seed);
}

RoundsAlgorithm::~RoundsAlgorithm() = default;

void RoundsAlgorithm::do_join(const at::Tensor& x, int64_t step) {
  clock_.start_at(step);
  last_round_.reset();
  pending_.reset();
  round_.begin(x);
  if (compressed()) replicas_->begin(comm(), x);
}

void RoundsAlgorithm::do_after_step(const StepInfo& info, at::Tensor& x) {
  last_round_.reset();
  if (pending_) pending_->norms.reset();  // x has moved
  round_.after_local_step(info, period(), x);
  if (!clock_.tick()) return;
  begin_round(info, x);
  last_round_ = apply(x);
}

const PendingRound& RoundsAlgorithm::begin_round(const StepInfo& info, const at::Tensor& x) {
  require(!pending_, "a round is under way already");
  if (compressed()) replicas_->send(comm(), info.step, x);
  pending_ = compressed() ? round_.meeting().among(comm(), replicas_->all(), rounds())
                          : round_.meeting().meet(comm(), x, rounds());
  pending_->begun = info;
  round_.rule().learn(info, *pending_);
  return *pending_;
}

RoundReport RoundsAlgorithm::apply(at::Tensor& x) {
  require(pending_.has_value(), "no round is under way");
  PendingRound met = *std::exchange(pending_, std::nullopt);
  Rule& rule = round_.rule();
  const RoundReport report =
      compressed() ? replicas_->move(rule, met, x) : rule.move(met.begun, met, x);
  rule.arrived(met.begun, x);
  return report;
}

at::Tensor RoundsAlgorithm::do_view(const at::Tensor& x) const {
  if (!pending_) return x;
  if (compressed()) return replicas_->view(round_.rule(), *pending_, x);
  PendingRound met = pending_->copy();
  at::Tensor there = x.clone();
  round_.rule().move(met.begun, met, there);
  return there;
}

// Compressed, the workers never quite know where the others are.
bool RoundsAlgorithm::final_average_needed() const {
  const bool known = comm().size() == 1 || (!compressed() && round_.meeting().of_all());
  return clock_.final_average_needed() || (!known && rounds() > 0);
}

AlgorithmState RoundsAlgorithm::state() const {
  const RoundClock::State& s = clock_.state();
  AlgorithmState state = {
      {"clock", at::tensor({s.step, s.period, s.position, s.rounds}, at::kLong)}};
  round_.append_to(state);
  if (replicas_) replicas_->append_to(state);
  if (pending_) pending_->append_to(state);
  return state;
}

void RoundsAlgorithm::load_state(const AlgorithmState& state) {
  const at::Tensor clock = state_entry(state, "clock", at::kLong, 4);
  round_.load(state);
  if (replicas_) replicas_->load(state);
  pending_ = PendingRound::load(state);
  if (pending_) pending_->again = &comm();
  const int64_t* v = clock.data_ptr<int64_t>();
  last_round_.reset();
  clock_.set_state({.step = v[0], .period = v[1], .position = v[2], .rounds = v[3]});
}

}  // namespace valley
