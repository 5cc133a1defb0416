#include "valley/algorithms/slice_round.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/mul.h>

#include <utility>

#include "valley/core/error.h"

namespace valley {

SliceRound::SliceRound(Round round, const std::string& compress, uint64_t seed, bool droppable,
                       const Slice& slice)
    : round_(std::move(round)), slice_(slice), droppable_(droppable) {
  if (compress != "none") replicas_ = std::make_unique<KnownReplicas>(compress, seed);
}

void SliceRound::on_gradient(const StepInfo& info, const at::Tensor& x, const at::Tensor& g) {
  at::Tensor of_x = slice_.of(x), of_g = slice_.of(g);
  round_.on_gradient(info, of_x, of_g);
}

void SliceRound::after_local_step(const StepInfo& info, int64_t period, const at::Tensor& x) {
  if (pending_) pending_->norms.reset();  // x has moved
  at::Tensor slice = slice_.of(x);
  round_.after_local_step(info, period, slice);
}

void SliceRound::require_none_under_way() const {
  require(!under_way(), "a round is under way already");
}

void SliceRound::begin(const StepInfo& info, const at::Tensor& x, int64_t number, double weight) {
  require_none_under_way();
  round_.rule().meets(info);
  meet(info, x, number, weight);
}

void SliceRound::meet(const StepInfo& info, const at::Tensor& x, int64_t number, double weight) {
  at::Tensor slice = slice_.of(x);
  if (weight != 1) {
    if (!there_.defined()) there_ = at::empty_like(slice);
    slice = at::mul_out(there_, slice, at::Scalar(weight));
  }
  if (compressed()) replicas_->send(*comm_, info.step, slice);
  take(compressed() ? round_.meeting().among(*comm_, replicas_->all(), number)
                    : round_.meeting().meet(*comm_, slice, number),
       info, number);
  if (weight != 1) pending_->norms.reset();  // of what was sent
}

// Replicas stay where they are until the round is applied, so that one of theirs may be over early.
void SliceRound::start(const StepInfo& info, const at::Tensor& x, int64_t number) {
  if (compressed()) return begin(info, x, number);
  require_none_under_way();
  if (droppable_) {
    before_.clear();
    round_.append_to(before_);
    for (auto& [name, tensor] : before_) tensor = tensor.clone();
  }
  round_.rule().meets(info);
  try {
    round_.meeting().start(*comm_, slice_.of(x), number);
  } catch (const CommError&) {
    if (!droppable_) throw;
    failed_ = std::current_exception();
  }
  started_ = info;
  started_number_ = number;
}

void SliceRound::arrive() {
  if (!started_) return;
  if (failed_) std::rethrow_exception(std::exchange(failed_, nullptr));
  const StepInfo info = *std::exchange(started_, std::nullopt);
  take(round_.meeting().finish(), info, started_number_);
}

void SliceRound::label(PendingRound& met, const StepInfo& info, int64_t number) const {
  met.begun = info;
  met.number = number;
  met.share = share_;
}

void SliceRound::take(PendingRound met, const StepInfo& info, int64_t number) {
  pending_ = std::move(met);
  label(*pending_, info, number);
  round_.rule().learn(info, *pending_);
}

}  // namespace valley
