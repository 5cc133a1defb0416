#pragma once

#include <memory>
#include <optional>
#include <string>

#include "valley/algorithms/registry.h"
#include "valley/algorithms/round.h"
#include "valley/schedule/period.h"

namespace valley {

class KnownReplicas;

/// Every method with local steps is this: a clock, which says when a round is due, x a meeting x a
/// rule. A round is begun, with which the workers meet, and applied, with which x moves: where the
/// clock says so, the one right after the other. In between it is pending: part of state(), and
/// applied in view().
///
/// With a compressor the workers meet as all know them (known_replicas.h), whatever the meeting and
/// the rule are. A worker alone sends nothing and has nothing to compress.
///
/// State: the clock, what meeting and rule remember, with a compressor the replicas, and what is
/// pending.
class RoundsAlgorithm final : public Algorithm {
 public:
  /// `compress` as make_compressor() takes it; "none" sends the vectors themselves.
  /// @throws UsageError if the period or the compressor is none.
  RoundsAlgorithm(const PeriodSpec& period, const AlgorithmContext& context,
                  std::unique_ptr<Meeting> meeting, std::unique_ptr<Rule> rule,
                  const std::string& compress = "none");

  ~RoundsAlgorithm() override;

  void prepare(int workers) override { round_.prepare(workers); }

  /// All workers together: they meet as they stand at x. One round at a time is under way; what the
  /// rule remembers of it, it remembers from here.
  const PendingRound& begin_round(const StepInfo& info, const at::Tensor& x);

  /// Moves x by the rule, as in the step of begin_round(). After local steps, each with its
  /// after_step(), the rule takes x as it is now, and the others as they were then.
  RoundReport apply(at::Tensor& x);

  const std::optional<RoundReport>& last_round() const override { return last_round_; }
  int64_t rounds() const override { return clock_.rounds(); }
  int64_t period() const override { return clock_.period(); }
  bool final_average_needed() const override;
  AlgorithmState state() const override;
  void load_state(const AlgorithmState& state) override;

 private:
  void do_join(const at::Tensor& x, int64_t step) override;
  void do_on_gradient(const StepInfo& info, at::Tensor& x, at::Tensor& g) override {
    round_.on_gradient(info, x, g);
  }
  void do_after_step(const StepInfo& info, at::Tensor& x) override;
  at::Tensor do_view(const at::Tensor& x) const override;
  bool compressed() const { return replicas_ != nullptr && comm().size() > 1; }

  RoundClock clock_;
  Round round_;
  std::unique_ptr<KnownReplicas> replicas_;
  std::optional<PendingRound> pending_;
  std::optional<RoundReport> last_round_;
};

}  // namespace valley
