#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "valley/algorithms/loss.h"
#include "valley/algorithms/state.h"
#include "valley/comm/communicator.h"

namespace valley {

/// What an algorithm may know of the step it is called in.
struct StepInfo {
  int64_t step = 0;         ///< k, counted from 0
  int64_t total_steps = 1;  ///< K
  Loss loss = 0;            ///< this worker's on the batch; valid in on_gradient and after_step

  /// k / K once this step is done; push schedules follow it.
  double progress() const { return double(step + 1) / double(total_steps); }
};

/// What a round did, for the record.
struct RoundReport {
  double distance = 0;  ///< r_m = ||x_m - x_A|| as the workers met, before x moved; where a method
                        ///< does not learn x_A, the distance from what it pulls to
  std::vector<std::pair<std::string, double>> figures = {};  ///< what else it tells, by name

  /// 0 if it tells none of that name.
  double figure(std::string_view name) const;
};

/// A training method: local step x when it communicates x what is sent x with whom x how it is
/// applied. The loop is the same for all of them, Valley's trainer or one of your own:
///
///     algorithm.join(communicator, x)               once, all workers at the same x
///     in every step:
///         algorithm.before_gradient(info, x)
///         loss, g = gradient(batch)
///         algorithm.on_gradient(info, x, g)
///         algorithm.local_step(info, x, g, optimizer)    x <- optimizer step along g
///         algorithm.after_step(info, x)
///
/// x [d] and g [d] are the worker's flat parameters and gradient (optim/flat_parameters.h). Every
/// worker calls the same hooks in the same order. No hook is recorded by autograd. An algorithm
/// never sees a data set or a model.
///
/// A method overrides the private functions below, do_before_gradient() and so on.
class Algorithm {
 public:
  virtual ~Algorithm() = default;

  /// Makes ready for so many workers; join() calls it. Talks to nobody.
  /// @throws UsageError if the method cannot have so many with its options.
  virtual void prepare(int workers) { (void)workers; }

  /// A membership begins: the workers of `comm` together, all at the same x, before step `step`.
  /// Who they are stays until the next join(), with which all that was remembered of the former
  /// ones is forgotten, after quiesce(): a run that goes on with other workers. Not owned.
  /// @throws UsageError as prepare() does.
  void join(Communicator& comm, const at::Tensor& x, int64_t step = 0);

  /// Before the gradient is computed: what is sent from here travels meanwhile. It must be a copy:
  /// x may move while the gradient is computed (SAM), and is back for on_gradient.
  void before_gradient(const StepInfo& info, at::Tensor& x);

  /// The early part of on_gradient: [begin, end) of g is final while backward still computes the
  /// rest. Called once for every parameter, in any order; not called at all in a loop that does
  /// not know.
  void on_gradient_part(at::Tensor& g, int64_t begin, int64_t end);

  /// After the gradient, before the optimizer.
  void on_gradient(const StepInfo& info, at::Tensor& x, at::Tensor& g);

  /// Moves x along g: by `optimizer`, which does that, unless the method owns the whole update.
  void local_step(const StepInfo& info, at::Tensor& x, at::Tensor& g,
                  const std::function<void()>& optimizer);

  /// Whether the local step that comes is left out, and with it all of its hooks but after_step():
  /// another has done as much as this worker shall. See fewer_steps.h.
  virtual bool rests() const { return false; }

  /// After the local step: rounds happen here.
  void after_step(const StepInfo& info, at::Tensor& x);

  /// All workers together, before anybody looks: the transport comes to rest, so that nothing is
  /// under way until the next hook. Neither x nor what comes of it later changes by a bit; what has
  /// come and is still to be applied is part of state().
  void quiesce();

  /// Where x would stand with all that is pending applied, for evaluation, a checkpoint, the end;
  /// asked after quiesce(). x itself is untouched, and is the answer where nothing is pending.
  at::Tensor view(const at::Tensor& x) const;

  /// Whether the next after_step() talks to the others, so that it may fail. What talks in other
  /// hooks cannot say.
  virtual bool talks_after_step() const { return true; }

  /// The round of the last after_step, if there was one.
  virtual const std::optional<RoundReport>& last_round() const = 0;

  virtual int64_t rounds() const = 0;  ///< rounds so far
  virtual int64_t period() const = 0;  ///< local steps a round, in force

  /// Whether the workers have moved since they last met, so that the final model needs one more
  /// average, which counts as communication.
  virtual bool final_average_needed() const = 0;

  /// Everything a checkpoint must hold for this worker; asked after quiesce().
  virtual AlgorithmState state() const = 0;
  /// Right after join(), with x as it was saved.
  virtual void load_state(const AlgorithmState& state) = 0;

  /// After load_state() of what was saved in a group of other workers, by all of the new one
  /// together: what was remembered of single workers, or by their number, begins anew. Where what
  /// was under way is dropped, nothing is begun before step `step`, where the furthest of them
  /// stands. Returns whether anything begins anew.
  virtual bool regroup(int64_t step) {
    (void)step;
    return false;
  }

 protected:
  /// Of the membership. @throws UsageError before the first join(), as every hook does.
  Communicator& comm() const;

 private:
  virtual void do_join(const at::Tensor& x, int64_t step) = 0;
  virtual void do_before_gradient(const StepInfo& info, at::Tensor& x) { (void)info, (void)x; }
  virtual void do_on_gradient_part(at::Tensor& g, int64_t begin, int64_t end) {
    (void)g, (void)begin, (void)end;
  }
  virtual void do_on_gradient(const StepInfo& info, at::Tensor& x, at::Tensor& g) {
    (void)info, (void)x, (void)g;
  }
  virtual void do_local_step(const StepInfo& info, at::Tensor& x, at::Tensor& g,
                             const std::function<void()>& optimizer) {
    (void)info, (void)x, (void)g;
    optimizer();
  }
  virtual void do_after_step(const StepInfo& info, at::Tensor& x) { (void)info, (void)x; }
  virtual void do_quiesce() {}
  virtual at::Tensor do_view(const at::Tensor& x) const { return x; }

  Communicator* comm_ = nullptr;
};

}  // namespace valley
