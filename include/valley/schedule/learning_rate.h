#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "valley/core/settings.h"

namespace valley {

enum class LrShape { kConstant, kCosine, kStep, kLinear };

inline constexpr OneOf<LrShape>::Name kLrShapeNames[] = {{"constant", LrShape::kConstant},
                                                         {"cosine", LrShape::kCosine},
                                                         {"step", LrShape::kStep},
                                                         {"linear", LrShape::kLinear}};
inline constexpr auto kLrShapes = one_of("learning-rate schedule", kLrShapeNames);

/// "0.5,0.75": fractions of a run, increasing, each in (0, 1). @throws UsageError
std::vector<double> parse_milestones(std::string_view text);
std::string milestones_text(const std::vector<double>& milestones);
inline constexpr Parsed<std::vector<double>> kMilestones = {&parse_milestones, &milestones_text};

struct LrScheduleOptions {
  LrShape shape = LrShape::kCosine;
  double base = 0.1;         ///< the rate after the warm-up, > 0
  int64_t warmup_steps = 0;  ///< steps of linear growth from base/warmup_steps to base
  int64_t total_steps = 1;   ///< K, the steps of the whole run
  double factor = 0.1;       ///< kStep: what the rate is multiplied with at a milestone, (0, 1]
  /// kStep: fractions of the run, increasing, each in (0, 1).
  std::vector<double> milestones = {0.5, 0.75};
  double warmup_share = 0;  ///< the same as warmup_steps, as a share of the run, in [0, 1]
  double floor = 0;         ///< kCosine, kLinear: the share of base that they end at, in [0, 1]
};

template <typename V>
void visit(LrScheduleOptions& o, V& v) {
  v("lr", o.base, above(0), "learning rate");
  v("lr-schedule", o.shape, kLrShapes, "constant, cosine, step or linear");
  v("warmup-steps", o.warmup_steps, at_least(0), "linear warm-up of the learning rate");
  v("warmup-share", o.warmup_share, in(0, 1), "the same as a share of the run's steps", kYounger);
  v("lr-floor", o.floor, in(0, 1), "of cosine and linear: the share of {lr} that they end at",
    kYounger);
  v("lr-milestones", o.milestones, kMilestones,
    "of step: after which shares of the run the learning rate falls", kYounger);
  v("lr-factor", o.factor, in(0, 1).open_below(),
    "of step: what the learning rate is multiplied with there", kYounger);
}

/// The learning rate as a function of the step alone, so that a resumed run needs no state.
///
///     k < w      base (k + 1) / w                               warm-up, w steps
///     constant   base
///     cosine     base (f + (1 - f) (1 + cos(pi p)) / 2)         p = (k - w) / (K - w): reaches
///     linear     base (f + (1 - f) (1 - p))                     the floor f at k = K
///     step       base factor^(milestones m with m K <= k)
class LrSchedule {
 public:
  /// @throws UsageError if an option is out of range.
  explicit LrSchedule(LrScheduleOptions options);

  /// The rate of step k, counted from 0. Steps after the run have the rate of k = K.
  double at(int64_t step) const;

  /// w: given, or the share of all, rounded.
  int64_t warmup_steps() const { return options_.warmup_steps; }

 private:
  LrScheduleOptions options_;
};

}  // namespace valley
