#include "valley/algorithms/rounds.h"

#include <utility>

#include "valley/algorithms/fewer_steps.h"
#include "valley/algorithms/optimizer_at_round.h"
#include "valley/algorithms/slices.h"

namespace valley {
namespace {

RoundClock clock_of(const PeriodSpec& period, const AlgorithmContext& c) {
  return {period, c.total_steps, c.steps_per_epoch, c.learning_rate, c.warmup_steps};
}

}  // namespace

RoundsAlgorithm::RoundsAlgorithm(const PeriodSpec& period, const AlgorithmContext& context,
                                 std::unique_ptr<Meeting> meeting, std::unique_ptr<Rule> rule,
                                 const std::string& compress, OptimizerState optimizer_state)
    : clock_(clock_of(period, context)),
      settle_optimizer_(at_round(optimizer_state, context)),
      slices_(std::make_unique<Slices>(Round(std::move(meeting), std::move(rule)), context,
                                       compress)) {}

RoundsAlgorithm::RoundsAlgorithm(const PeriodSpec& period, const AlgorithmContext& context,
                                 RoundMaker make, const std::string& compress,
                                 const Streaming& streaming, OptimizerState optimizer_state)
    : clock_(clock_of(period, context)),
      delay_(streaming.delay),
      come_and_go_(context.come_and_go) {
  check_streaming(streaming, period);
  check_optimizer_state(optimizer_state, streaming);
  settle_optimizer_ = at_round(optimizer_state, context);
  if (context.fewer_steps > 0)
    fewer_steps_ = std::make_unique<FewerSteps>(context.fewer_steps, context.worked_seconds);
  slices_ = std::make_unique<Slices>(std::move(make), context, compress, streaming.fragments);
}

RoundsAlgorithm::~RoundsAlgorithm() = default;

void RoundsAlgorithm::prepare(int workers) { slices_->prepare(workers); }

void RoundsAlgorithm::do_join(const at::Tensor& x, int64_t step) {
  clock_.start_at(step);
  last_round_.reset();
  first_step_ = 0;
  slices_->join(comm(), x);
  if (fewer_steps_) fewer_steps_->join();
}

void RoundsAlgorithm::do_on_gradient(const StepInfo& info, at::Tensor& x, at::Tensor& g) {
  slices_->on_gradient(info, x, g);
}

void RoundsAlgorithm::do_local_step(const StepInfo& info, at::Tensor& x, at::Tensor& g,
                                    const std::function<void()>& optimizer) {
  (*slices_)[0].rule().local_step(info, x, g, optimizer);
  if (fewer_steps_) fewer_steps_->did_step();
}

bool RoundsAlgorithm::rests() const { return fewer_steps_ && fewer_steps_->rests(period()); }

void RoundsAlgorithm::do_after_step(const StepInfo& info, at::Tensor& x) {
  last_round_.reset();
  slices_->after_local_step(info, period(), x);
  const int64_t tau = period(), position = clock_.position() + 1;
  clock_.tick();
  if (delay_ > 0) last_round_ = slices_->apply_begun(info.step - delay_, x);
  for (int64_t f = 0; f < slices_->size(); ++f) {
    if (fragment_place(f, slices_->size(), tau) == position) meet((*slices_)[f], info, x);
  }
}

void RoundsAlgorithm::meet(SliceRound& slice, const StepInfo& info, at::Tensor& x) {
  if (delay_ == 0) {
    if (fewer_steps_ == nullptr) {
      last_round_ = slice.round(info, x, rounds());
    } else {
      slice.begin(info, x, rounds(), fewer_steps_->weigh(comm()));
      last_round_ = slice.apply(x);
      last_round_->figures.emplace_back("local_steps", double(fewer_steps_->last_done()));
    }
    settle_optimizer_(comm());
    return;
  }
  if (const auto former = slices_->apply_begun(info.step, x)) last_round_ = former;
  if (info.step < first_step_) return;  // others had begun it in a group that is no more
  slice.start(info, x, rounds());
}

const PendingRound& RoundsAlgorithm::begin_round(const StepInfo& info, const at::Tensor& x) {
  return slices_->begin(info, x, rounds());
}

RoundReport RoundsAlgorithm::apply(at::Tensor& x) { return slices_->apply(x); }

}  // namespace valley
