// What a round makes of x.
#include <ATen/ops/empty_like.h>

#include <utility>
#include <vector>

#include "valley/algorithms/slice_round.h"
#include "valley/core/error.h"

namespace valley {

RoundReport SliceRound::apply(const at::Tensor& x) {
  arrive();
  require(pending_.has_value(), "no round is under way");
  PendingRound met = *std::exchange(pending_, std::nullopt);
  at::Tensor slice = slice_.of(x);
  const RoundReport report =
      compressed() ? replicas_->move(round_.rule(), met, slice) : move_all(met, slice);
  round_.meeting().applied(met, report);
  round_.rule().arrived(met.begun, slice);
  return report;
}

RoundReport SliceRound::round(const StepInfo& info, const at::Tensor& x, int64_t number) {
  require_none_under_way();
  Rule& rule = round_.rule();
  rule.meets(info);
  if (!compressed() && rule.only_pulls()) {
    at::Tensor slice = slice_.of(x);
    PendingRound learned;
    RoundReport report;
    const auto weight = [&](PendingRound& met) {
      label(met, info, number);
      rule.learn(info, met);
      Pull pull = rule.pull(info, met, slice.scalar_type());
      learned = met;
      report = std::move(pull.report);
      return pull.weight;
    };
    if (round_.meeting().meet_and_pull(*comm_, slice, number, weight)) {
      round_.meeting().applied(learned, report);
      rule.arrived(info, slice);
      return report;
    }
  }
  meet(info, x, number);
  return apply(x);
}

RoundReport SliceRound::move_all(PendingRound& met, at::Tensor& slice) const {
  std::vector<at::Tensor> others = round_.meeting().moved_along();
  PendingRound again = others.empty() ? PendingRound() : met.copy();  // rules may overwrite it
  again.norms.reset();
  const RoundReport report = move(met, slice);
  for (at::Tensor& other : others) {
    PendingRound once = again.copy();
    round_.rule().move(met.begun, once, other);
  }
  return report;
}

RoundReport SliceRound::move(PendingRound& met, at::Tensor& slice) const {
  Rule& rule = round_.rule();
  if (!met.sent.defined()) return rule.move(met.begun, met, slice);
  if (!there_.defined()) there_ = at::empty_like(slice);
  const RoundReport report = rule.move(met.begun, met, there_.copy_(met.sent));
  slice.add_(there_.sub_(met.sent));
  return report;
}

}  // namespace valley
