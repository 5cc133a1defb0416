#pragma once

#include <memory>

#include "valley/algorithms/algorithm.h"
#include "valley/algorithms/registry.h"

namespace valley {

/// What all methods with local steps share: the clock that says when a round is due, its place in
/// a checkpoint, and the report of the last round. A method adds round().
class RoundsAlgorithm : public Algorithm {
 public:
  RoundsAlgorithm(const AlgorithmOptions& options, const AlgorithmContext& context);

  void after_step(const StepInfo& info, at::Tensor& x) final;
  const std::optional<RoundReport>& last_round() const final { return last_round_; }
  int64_t rounds() const final { return clock_.rounds(); }
  int64_t period() const final { return clock_.period(); }
  bool final_average_needed() const final { return clock_.final_average_needed(); }
  void start_at(int64_t step) final { clock_.start_at(step); }
  std::vector<std::pair<std::string, at::Tensor>> state() const override;
  void load_state(const std::vector<std::pair<std::string, at::Tensor>>& state) override;

 protected:
  /// One round on x [d].
  virtual RoundReport round(const StepInfo& info, at::Tensor& x) = 0;

  Communicator& comm_;

 private:
  RoundClock clock_;
  std::optional<RoundReport> last_round_;
};

}  // namespace valley
