#pragma once

#include <string>
#include <utility>

#include "valley/algorithms/algorithm.h"
#include "valley/algorithms/registry.h"

namespace valley {

/// What all methods that communicate in every step share: the number of steps, its place in a
/// checkpoint, no rounds to report. A method fills the hooks, calls count_step() once a step, and
/// names in its constructor the vectors that it keeps.
class EveryStepAlgorithm : public Algorithm {
 public:
  const std::optional<RoundReport>& last_round() const final { return none_; }
  int64_t rounds() const override { return steps_; }
  int64_t period() const override { return 1; }
  bool final_average_needed() const override { return comm().size() > 1 && steps_ > 0; }
  AlgorithmState state() const override;
  void load_state(const AlgorithmState& state) override;

 protected:
  /// All workers stand together at x: what the method remembers from here.
  virtual void begin(const at::Tensor& x) { (void)x; }

  void count_step() { ++steps_; }
  int64_t steps() const { return steps_; }
  bool alone() const { return comm().size() == 1; }

  /// x, a member, is in the checkpoint under `name`; undefined until it is needed, and again when
  /// the workers start together anew.
  void keep(std::string name, at::Tensor& x) { kept_.add(std::move(name), x); }

 private:
  void do_join(const at::Tensor& x, int64_t step) final;

  int64_t steps_ = 0;
  KeptVectors kept_;
  std::optional<RoundReport> none_;
};

}  // namespace valley
