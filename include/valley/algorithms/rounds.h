#pragma once

#include <memory>
#include <optional>
#include <string>

#include "valley/algorithms/registry.h"
#include "valley/algorithms/round_parts.h"
#include "valley/schedule/period.h"

namespace valley {

class KnownReplicas;

/// Every method with local steps is this: a clock, which says when a round is due, x a meeting x a
/// rule. A round is begun, with which the workers meet, and applied, with which x moves; here the
/// one right after the other.
///
/// With a compressor the workers meet as all know them (known_replicas.h), whatever the meeting and
/// the rule are. A worker alone sends nothing and has nothing to compress.
///
/// State: the clock, what meeting and rule remember, and with a compressor the replicas.
class RoundsAlgorithm final : public Algorithm {
 public:
  /// `compress` as make_compressor() takes it; "none" sends the vectors themselves.
  /// @throws UsageError if the period or the compressor is none.
  RoundsAlgorithm(const PeriodSpec& period, const AlgorithmContext& context,
                  std::unique_ptr<Meeting> meeting, std::unique_ptr<Rule> rule,
                  const std::string& compress = "none");

  ~RoundsAlgorithm() override;

  void prepare(int workers) override;

  /// All workers together: they meet as they stand at x. One round at a time is under way.
  PendingRound begin_round(const StepInfo& info, const at::Tensor& x);

  /// Moves x by the rule. If it has moved since begin_round(), the rule takes it as it is now, and
  /// the others as they were then: drop met.norms.
  RoundReport apply(const StepInfo& info, PendingRound met, at::Tensor& x);

  const std::optional<RoundReport>& last_round() const override { return last_round_; }
  int64_t rounds() const override { return clock_.rounds(); }
  int64_t period() const override { return clock_.period(); }
  bool final_average_needed() const override;
  AlgorithmState state() const override;
  void load_state(const AlgorithmState& state) override;

 private:
  void do_join(const at::Tensor& x, int64_t step) override;
  void do_after_step(const StepInfo& info, at::Tensor& x) override;
  bool compressed() const { return replicas_ != nullptr && comm().size() > 1; }

  RoundClock clock_;
  std::unique_ptr<Meeting> meeting_;
  std::unique_ptr<Rule> rule_;
  std::unique_ptr<KnownReplicas> replicas_;
  std::optional<RoundReport> last_round_;
};

}  // namespace valley
