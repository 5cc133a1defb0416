#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "valley/algorithms/every_step.h"
#include "valley/algorithms/round.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

/// A meeting x a rule in every step, or every few. A round is begun and applied
///
///     awc    before the gradient and after the local step: what is sent travels meanwhile
///     atc    after the local step
///     cta    before the gradient
///
/// With a period above 1 that is so in every `period`-th step only.
///
/// A worker alone meets nobody, and the rule knows. Of its rounds nothing is reported.
///
/// State: the number of steps, and what meeting and rule remember.
class EveryStepRounds : public EveryStepAlgorithm {
 public:
  EveryStepRounds(std::unique_ptr<Meeting> meeting, std::unique_ptr<Rule> rule,
                  MixingOrder order = MixingOrder::kAtc, int64_t period = 1);

  int64_t rounds() const override { return steps() / period_; }
  int64_t period() const override { return period_; }

  void prepare(int workers) override { round_.prepare(workers); }
  AlgorithmState state() const override;
  void load_state(const AlgorithmState& state) override;

 private:
  void begin(const at::Tensor& x) override { round_.begin(x, comm()); }
  void do_before_gradient(const StepInfo& info, at::Tensor& x) override;
  void do_on_gradient(const StepInfo& info, at::Tensor& x, at::Tensor& g) override {
    round_.on_gradient(info, x, g);
  }
  void do_after_step(const StepInfo& info, at::Tensor& x) override;
  void do_local_step(const StepInfo& info, at::Tensor& x, at::Tensor& g,
                     const std::function<void()>& optimizer) override {
    round_.rule().local_step(info, x, g, optimizer);
  }
  PendingRound meet(const StepInfo& info, const at::Tensor& x);
  void apply(const StepInfo& info, PendingRound met, at::Tensor& x);

  Round round_;
  MixingOrder order_;
  int64_t period_;
};

}  // namespace valley
