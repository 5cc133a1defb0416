#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

#include "valley/algorithms/registry.h"
#include "valley/algorithms/round_parts.h"

namespace valley {

/// The outer optimizer of a round, as it is in force.
struct OuterOptions {
  double learning_rate;
  double momentum;

  /// The step over a round is then the round itself; without it, no rounding either.
  bool does_nothing() const { return learning_rate == 1 && momentum == 0; }
};

/// The rule of local SGD with an optimizer around it: the way of the average over a round is taken
/// as a gradient. A method says what becomes of it.
///
///     x_0   where all workers began the round
///     x_A   their average after tau local steps
///     x_m <- outer_step(x_0, x_A, momentum)      the same on all workers
///
/// Memory: 3 d. State: x_0 and the momentum.
class OuterStep : public Rule {
 public:
  OuterStep();

  void begin(const at::Tensor& x) final;
  void learn(const StepInfo& info, PendingRound& met) final;
  RoundReport move(const StepInfo& info, PendingRound& met, at::Tensor& x) final;

 protected:
  const at::Tensor& start() const { return start_; }

 private:
  /// x [d] holds x_A and shall hold the workers' next x; `momentum` [d] is 0 before the first
  /// round.
  virtual void outer_step(const PendingRound& met, const at::Tensor& start, at::Tensor& momentum,
                          at::Tensor& x) = 0;

  at::Tensor start_, momentum_;  // [d]
};

/// The outer step of diloco.h.
class NesterovOverRounds : public OuterStep {
 public:
  /// alpha 0.7 and mu 0.9 unless given; the momentum is 0 again in every `restart`-th of the
  /// slice's own rounds, of which there are `fragments` to one of all; restart 0: never.
  NesterovOverRounds(std::optional<double> learning_rate, std::optional<double> momentum,
                     int64_t restart = 0, int64_t fragments = 1);

 private:
  void outer_step(const PendingRound& met, const at::Tensor& start, at::Tensor& v,
                  at::Tensor& x) override;

  OuterOptions outer_;
  int64_t restart_, fragments_;
};

}  // namespace valley
