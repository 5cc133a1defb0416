#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <utility>

#include "valley/algorithms/fading.h"
#include "valley/algorithms/round_parts.h"
#include "valley/algorithms/shared_settings.h"
#include "valley/comm/communicator.h"
#include "valley/schedule/push.h"

namespace valley {

/// @throws UsageError if an option is out of range.
void check(const PullPushOptions& options);

/// The push of one round.
struct PushStrength {
  double lambda = 0;  ///< in force: factor of the schedule and push_relative applied
  double share = 0;   ///< lambda / r_m; 0 for a worker that counts as sitting on the average
};

/// From the norms of x and of the average of `workers` workers.
PushStrength push_strength(const PullPushOptions& options, double push_factor,
                           const SquaredNorms& norms, int workers, at::ScalarType dtype);

/// The round of Distributed Pull-Push Force (DPPF): average, but stay apart.
///
///     x_A = (1/M) sum_m x_m
///     x_m <- x_m + alpha  (x_A - x_m)                       pull, towards consensus
///                + lambda (x_m - x_A) / ||x_m - x_A||       push, away from it
///
/// Both terms use the values from before the round; neither is multiplied by the learning rate.
/// One norm over the whole vector, never per layer. Without gradient steps in between, the
/// distances ||x_m - x_A|| settle at lambda / alpha, the predicted width of the valley.
///
/// A worker that sits on the average has no direction to be pushed in and stays there; so does one
/// whose distance is only rounding error of the mean (the float mean of three equal numbers can be
/// off by an ulp): distances below max(8, M) machine epsilons of ||x_m|| count as zero.
///
/// Cost of a round: one all-reduce of d values (variant exact: two). Memory: one d. State: none.
///
/// Reference: Dimlioglu and Choromanska, "Communication-Efficient Distributed Training for
/// Collaborative Flat Optima Recovery in Deep Learning", 2025, arXiv:2507.20424. The abstract
/// states method and purpose; this form of the update is our reading of it.
class PullPush {
 public:
  /// @throws UsageError if an option is out of range.
  explicit PullPush(const PullPushOptions& options);

  /// Moves x [d] by what the meeting brought; `push_factor` in [0, 1] is what a push schedule makes
  /// of lambda now, `pull_factor` likewise of alpha. The exact variant asks the workers again.
  RoundReport move(at::Tensor& x, PendingRound& met, double push_factor,
                   double pull_factor = 1) const;

  /// Whether move() is a pull and no more, towards the average or, with a negative weight, away
  /// from it: the simple variant.
  bool only_pulls() const { return options_.variant != PushVariant::kExact; }

  /// What it then is, of the norms that the meeting brought.
  Pull pull(const PendingRound& met, at::ScalarType dtype, double push_factor,
            double pull_factor = 1) const;

  /// A whole round on x: the workers meet and move.
  RoundReport round(at::Tensor& x, Communicator& comm, double push_factor = 1);

 private:
  struct Strengths {
    double alpha = 0;
    PushStrength push = {};
  };
  Strengths strengths(const PendingRound& met, const SquaredNorms& norms, at::ScalarType dtype,
                      double push_factor, double pull_factor) const;

  PullPushOptions options_;
  MeanOfAll mean_;
};

/// The rule of dppf: pull and push, with lambda on a schedule over the run and alpha on one of the
/// learning rate.
class PullPushRule : public Rule {
 public:
  /// @throws UsageError if an option is out of range.
  explicit PullPushRule(const PullPushOptions& options, PushShape schedule = PushShape::kConstant,
                        std::optional<Fading> fading = std::nullopt)
      : pull_push_(options), schedule_(schedule), fading_(std::move(fading)) {}

  RoundReport move(const StepInfo& info, PendingRound& met, at::Tensor& x) override {
    return pull_push_.move(x, met, push_factor(schedule_, info.progress()), pull_factor(info));
  }

  bool only_pulls() const override { return pull_push_.only_pulls(); }
  Pull pull(const StepInfo& info, const PendingRound& met, at::ScalarType dtype) const override {
    return pull_push_.pull(met, dtype, push_factor(schedule_, info.progress()), pull_factor(info));
  }

 private:
  double pull_factor(const StepInfo& info) const { return fading_ ? fading_->at(info.step) : 1; }

  PullPush pull_push_;
  PushShape schedule_;
  std::optional<Fading> fading_;
};

/// What a round with pull alpha and push lambda tells: both, and predicted_width = lambda / alpha,
/// where the distances settle without gradients; without a pull there is none. Of a slice that is
/// `share` of x both are told as if all of x were like it: divided by sqrt(share).
RoundReport pull_push_report(double distance, double pull, double push, double share = 1);

/// What the push of a slice is multiplied with, sqrt(share), so that the width of all slices
/// together is lambda / alpha; 1 where the push is in units of the average's norm, which is that of
/// the slice.
double push_of_slice(const PullPushOptions& options, double share);

}  // namespace valley
