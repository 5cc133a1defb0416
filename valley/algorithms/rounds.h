#pragma once

#include <memory>
#include <string>
#include <utility>

#include "valley/algorithms/algorithm.h"
#include "valley/algorithms/registry.h"

namespace valley {

/// What all methods with local steps share: the clock that says when a round is due, its place in
/// a checkpoint, and the report of the last round. A method adds round(), names in its constructor
/// the vectors that it keeps, and overrides state() and load_state() where it remembers more.
class RoundsAlgorithm : public Algorithm {
 public:
  RoundsAlgorithm(const AlgorithmOptions& options, const AlgorithmContext& context);

  const std::optional<RoundReport>& last_round() const final { return last_round_; }
  int64_t rounds() const final { return clock_.rounds(); }
  int64_t period() const final { return clock_.period(); }
  bool final_average_needed() const final { return clock_.final_average_needed(); }
  AlgorithmState state() const override;
  void load_state(const AlgorithmState& state) override;

 protected:
  /// All workers stand together at x: what the method remembers from here, and what it had
  /// remembered but not named with keep() is forgotten.
  virtual void begin(const at::Tensor& x) { (void)x; }

  /// After every local step, before the round if one is due.
  virtual void after_local_step(const StepInfo& info, at::Tensor& x) { (void)info, (void)x; }

  /// One round on x [d].
  virtual RoundReport round(const StepInfo& info, at::Tensor& x) = 0;

  /// x, a member, is in the checkpoint under `name`; undefined until it is needed, and again when
  /// the workers start together anew.
  void keep(std::string name, at::Tensor& x) { kept_.add(std::move(name), x); }

 private:
  void do_join(const at::Tensor& x, int64_t step) final;
  void do_after_step(const StepInfo& info, at::Tensor& x) final;

  RoundClock clock_;
  KeptVectors kept_;
  std::optional<RoundReport> last_round_;
};

}  // namespace valley
