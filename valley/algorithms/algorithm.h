#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "valley/algorithms/state.h"
#include "valley/comm/communicator.h"

namespace valley {

/// What an algorithm may know of the step it is called in.
struct StepInfo {
  int64_t step = 0;         ///< k, counted from 0
  int64_t total_steps = 1;  ///< K
  double loss = 0;  ///< this worker's loss on the batch; valid in on_gradient and after_step

  /// k / K once this step is done; push schedules follow it.
  double progress() const { return double(step + 1) / double(total_steps); }
};

/// What a round did, for the record.
struct RoundReport {
  double distance = 0;  ///< r_m = ||x_m - x_A|| as the workers met, before pull and push; where a
                        ///< method does not learn x_A, the distance from what it pulls to
  double pull = 0;      ///< alpha
  double push = 0;      ///< lambda in force (schedule and push-relative applied)
  double predicted_width = 0;  ///< lambda / alpha, where the distances settle without gradients
};

/// A training method: local step x when it communicates x what is sent x with whom x how it is
/// applied. The loop is the same for all of them:
///
///     algorithm.before_gradient(info, x)
///     loss, g = gradient(batch)
///     algorithm.on_gradient(info, x, g)
///     x <- optimizer step along g
///     algorithm.after_step(info, x)
///
/// x [d] and g [d] are the worker's flat parameters and gradient (optim/flat_parameters.h). Every
/// worker calls the same hooks in the same order. An algorithm never sees a data set, a model or a
/// flag.
class Algorithm {
 public:
  virtual ~Algorithm() = default;

  /// Before the gradient is computed: what is sent from here travels meanwhile. It must be a copy:
  /// x may move while the gradient is computed (SAM), and is back for on_gradient.
  virtual void before_gradient(const StepInfo& info, at::Tensor& x) { (void)info, (void)x; }

  /// The early part of on_gradient: [begin, end) of g is final while backward still computes the
  /// rest. Called once for every parameter, in any order; not called at all in a loop that does
  /// not know.
  virtual void on_gradient_part(at::Tensor& g, int64_t begin, int64_t end) {
    (void)g, (void)begin, (void)end;
  }

  /// After the gradient, before the optimizer.
  virtual void on_gradient(const StepInfo& info, at::Tensor& x, at::Tensor& g) {
    (void)info, (void)x, (void)g;
  }

  /// After the optimizer's step: rounds happen here.
  virtual void after_step(const StepInfo& info, at::Tensor& x) { (void)info, (void)x; }

  /// All workers together, before anybody looks: the transport comes to rest, so that nothing is
  /// under way until the next hook. Neither x nor what comes of it later changes by a bit; what has
  /// come and is still to be applied is part of state().
  virtual void quiesce() {}

  /// Where x would stand with all that is pending applied, for evaluation, a checkpoint, the end;
  /// asked after quiesce(). x itself is untouched, and is the answer where nothing is pending.
  virtual at::Tensor view(const at::Tensor& x) const { return x; }

  /// The round of the last after_step, if there was one.
  virtual const std::optional<RoundReport>& last_round() const = 0;

  virtual int64_t rounds() const = 0;  ///< rounds so far
  virtual int64_t period() const = 0;  ///< local steps a round, in force

  /// Whether the workers have moved since they last met, so that the final model needs one more
  /// average, which counts as communication.
  virtual bool final_average_needed() const = 0;

  /// Begins at `step` with the workers together: a run that goes on with another number of workers.
  virtual void start_at(int64_t step) = 0;

  /// Everything a checkpoint must hold for this worker.
  virtual AlgorithmState state() const = 0;
  virtual void load_state(const AlgorithmState& state) = 0;
};

}  // namespace valley
