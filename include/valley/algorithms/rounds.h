#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "valley/algorithms/hierarchy.h"
#include "valley/algorithms/registry.h"
#include "valley/algorithms/round.h"
#include "valley/algorithms/shared_settings.h"
#include "valley/algorithms/streaming.h"
#include "valley/schedule/period.h"

namespace valley {

class FewerSteps;
class SliceRound;
class Slices;

/// Makes the round of x, or of a slice of it: the layers of the context are then those of the
/// slice, each cut to what lies in it and counted from where it begins; the seed is its own.
using RoundMaker = std::function<Round(const AlgorithmContext&)>;

/// Every method with local steps is this: a clock, which says when a round is due, x a meeting x a
/// rule. A round is begun, with which the workers meet, and applied, with which x moves: where the
/// clock says so, the one right after the other. In between it is pending: part of state(), and
/// applied in view().
///
/// **Delay D.** A round that is begun after step t, as the workers stand at x_t, is applied after
/// step t + D, or before the next one begins where that is earlier (a short period of a schedule):
///
///     x <- x + (round(x_t) - x_t)          round(x_t): where the rule would have put the worker
///
/// so that the local steps made meanwhile are kept. What the workers say travels while those are
/// computed; quiesce() waits for it. Memory: 2 d more.
///
/// **Fragments P.** Slice f of x, d / P values, meets after ceil((f + 1) tau / P) steps of every
/// period tau: the method's round on that slice, with a meeting and a rule of its own, which know
/// nothing of the rest. A push strength is for all of x, see push_of_slice(). Each slice counts as
/// a round, is reported as one and costs what one of d / P values costs.
///
/// With a compressor the workers meet as all know them (known_replicas.h), whatever the meeting and
/// the rule are; that is sent at once, whatever the delay. A worker alone sends nothing and has
/// nothing to compress.
///
/// **Optimizer state.** What the local optimizers remember stays each worker's own; or all have its
/// mean when the workers have moved, by an all-reduce of it, or forget it. That is of all of x, and
/// goes with neither delay nor fragments.
///
/// **Fewer steps** for slow workers: see fewer_steps.h. The round takes them where they stand times
/// their weight; so what is sent is the vectors themselves, of all of x at once.
///
/// **Workers that come and go** (AlgorithmContext::come_and_go): a delayed round that has not come
/// is not in the state, but all as before it was begun. So it is dropped with the group, also by
/// those that had not come to it, and the local steps stay. Memory: what meeting and rule remember,
/// once more.
///
/// State: the clock, what meeting and rule remember, with a compressor the replicas, and what is
/// pending; all but the clock for each slice. With fewer steps those, too.
///
/// References: the delayed application and the slices are those of streaming DiLoCo, Douillard et
/// al., 2025, arXiv:2501.18512; that they go with any method, and the form of the correction, are
/// ours.
class RoundsAlgorithm final : public Algorithm {
 public:
  /// Rounds of all of x, applied as they are begun. `compress` as make_compressor() takes it;
  /// "none" sends the vectors themselves.
  /// @throws UsageError if the period or the compressor is none, or the context lacks what the
  ///     optimizer state asks for.
  RoundsAlgorithm(const PeriodSpec& period, const AlgorithmContext& context,
                  std::unique_ptr<Meeting> meeting, std::unique_ptr<Rule> rule,
                  const std::string& compress = "none",
                  OptimizerState optimizer_state = OptimizerState::kLocal);

  /// @throws UsageError also if check_streaming() does, or for more fragments than the layers of
  ///     the context have values.
  RoundsAlgorithm(const PeriodSpec& period, const AlgorithmContext& context, RoundMaker make,
                  const std::string& compress, const Streaming& streaming,
                  OptimizerState optimizer_state = OptimizerState::kLocal);

  ~RoundsAlgorithm() override;

  void prepare(int workers) override;

  /// All workers together: they meet as they stand at x, in all slices. One round at a time is
  /// under way; what the rule remembers of it, it remembers from here. Gives what the first slice
  /// learned.
  const PendingRound& begin_round(const StepInfo& info, const at::Tensor& x);

  /// Moves x by the rule, as in the step of begin_round(). After local steps, each with its
  /// after_step(), the rule takes x as it is now, and the others as they were then.
  RoundReport apply(at::Tensor& x);

  bool rests() const override;
  bool talks_after_step() const override;
  const std::optional<RoundReport>& last_round() const override { return last_round_; }
  int64_t rounds() const override;
  int64_t period() const override { return clock_.period(); }
  bool final_average_needed() const override;
  AlgorithmState state() const override;
  void load_state(const AlgorithmState& state) override;
  bool regroup(int64_t step) override;

 private:
  void do_join(const at::Tensor& x, int64_t step) override;
  void do_on_gradient(const StepInfo& info, at::Tensor& x, at::Tensor& g) override;
  void do_local_step(const StepInfo& info, at::Tensor& x, at::Tensor& g,
                     const std::function<void()>& optimizer) override;
  void do_after_step(const StepInfo& info, at::Tensor& x) override;
  void do_quiesce() override;
  at::Tensor do_view(const at::Tensor& x) const override;
  void meet(SliceRound& slice, const StepInfo& info, at::Tensor& x);

  RoundClock clock_;
  std::function<void(Communicator&)> settle_optimizer_;  // when the workers have moved
  int64_t delay_ = 0;
  bool come_and_go_ = false;
  int64_t first_step_ = 0;                   // in which a round may begin
  std::unique_ptr<FewerSteps> fewer_steps_;  // where slow workers do fewer
  std::unique_ptr<Slices> slices_;
  std::optional<RoundReport> last_round_;
};

/// The rounds of a method, made by `make`, as the outer ones of a hierarchy; see hierarchy.h.
RoundMaker in_groups(const Hierarchy& hierarchy, int64_t fragments, RoundMaker make);

/// Of options that have a period, compress_rounds, streaming, a hierarchy and optimizer_state.
/// @throws UsageError also if check_hierarchy() does.
template <typename Options>
std::unique_ptr<Algorithm> make_rounds(const Options& options, const AlgorithmContext& context,
                                       RoundMaker make) {
  check_hierarchy(options.hierarchy, options.period, options.compress_rounds);
  check_optimizer_state(options.optimizer_state, options.hierarchy);
  return std::make_unique<RoundsAlgorithm>(
      period_of(options.hierarchy, options.period), context,
      in_groups(options.hierarchy, options.streaming.fragments, std::move(make)),
      options.compress_rounds, options.streaming, options.optimizer_state);
}

}  // namespace valley
