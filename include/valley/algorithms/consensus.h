#pragma once

#include <ATen/core/Tensor.h>

#include "valley/algorithms/pull_push.h"

namespace valley {

/// Pull and push where the workers are drawn to something else than their average:
///
///     x_m <- x_m + alpha  (x_C - x_m)                       pull, towards the consensus x_C
///                + lambda (x_m - x_A) / ||x_m - x_A||       push, away from the average x_A
///
/// Both terms use the values from before the round. The push is that of pull_push.h, variant
/// simple, to the last rule; it needs the average, which one all-reduce brings. A worker that
/// stands on x_C is not moved by the pull at all, and pull 1 without push gives x_C, both exactly.
/// A meeting that names no x_C draws them to x_A.
class Consensus : public Rule {
 public:
  /// @throws UsageError if an option is out of range.
  explicit Consensus(const PullPushOptions& options, PushShape schedule = PushShape::kConstant);

  /// Whether it needs the sum of all x_m beside x_C.
  bool pushes() const { return options_.push > 0; }

  /// The report's distance is that from the average; without a push nobody knows the average, and
  /// it is that from x_C.
  RoundReport move(const StepInfo& info, PendingRound& met, at::Tensor& x) override;

 private:
  PullPushOptions options_;
  PushShape schedule_;
};

}  // namespace valley
