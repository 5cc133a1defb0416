#pragma once

#include <cstdint>
#include <vector>

#include "valley/core/settings.h"

namespace valley {

enum class LrShape { kConstant, kCosine, kStep };

inline constexpr OneOf<LrShape>::Name kLrShapeNames[] = {
    {"constant", LrShape::kConstant}, {"cosine", LrShape::kCosine}, {"step", LrShape::kStep}};
inline constexpr auto kLrShapes = one_of("learning-rate schedule", kLrShapeNames);

struct LrScheduleOptions {
  LrShape shape = LrShape::kCosine;
  double base = 0.1;         ///< the rate after the warm-up, > 0
  int64_t warmup_steps = 0;  ///< steps of linear growth from base/warmup_steps to base
  int64_t total_steps = 1;   ///< K, the steps of the whole run
  double factor = 0.1;       ///< kStep: what the rate is multiplied with at a milestone, (0, 1]
  /// kStep: fractions of the run, increasing, each in (0, 1).
  std::vector<double> milestones = {0.5, 0.75};
};

template <typename V>
void visit(LrScheduleOptions& o, V& v) {
  v("lr", o.base, above(0), "learning rate");
  v("lr-schedule", o.shape, kLrShapes, "constant, cosine or step");
  v("warmup-steps", o.warmup_steps, at_least(0), "linear warm-up of the learning rate");
}

/// The learning rate as a function of the step alone, so that a resumed run needs no state.
///
///     k < w      base (k + 1) / w                               warm-up, w steps
///     constant   base
///     cosine     base (1 + cos(pi (k - w) / (K - w))) / 2       reaches 0 at k = K
///     step       base factor^(milestones m with m K <= k)
class LrSchedule {
 public:
  /// @throws UsageError if an option is out of range.
  explicit LrSchedule(LrScheduleOptions options);

  /// The rate of step k, counted from 0. Steps after the run have the rate of k = K.
  double at(int64_t step) const;

 private:
  LrScheduleOptions options_;
};

}  // namespace valley
