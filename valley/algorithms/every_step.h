#pragma once

#include "valley/algorithms/algorithm.h"
#include "valley/algorithms/registry.h"

namespace valley {

/// What all methods that communicate in every step share: the number of steps, its place in a
/// checkpoint, no rounds to report. A method fills the hooks, calls count_step() once a step, and
/// overrides state(), load_state() and start_at() where it remembers more.
class EveryStepAlgorithm : public Algorithm {
 public:
  explicit EveryStepAlgorithm(const AlgorithmContext& context);

  const std::optional<RoundReport>& last_round() const final { return none_; }
  int64_t rounds() const final { return steps_; }
  int64_t period() const final { return 1; }
  bool final_average_needed() const override { return comm_.size() > 1 && steps_ > 0; }
  void start_at(int64_t) override { steps_ = 0; }
  AlgorithmState state() const override;
  void load_state(const AlgorithmState& state) override;

 protected:
  void count_step() { ++steps_; }
  bool alone() const { return comm_.size() == 1; }

  Communicator& comm_;

 private:
  int64_t steps_ = 0;
  std::optional<RoundReport> none_;
};

}  // namespace valley
