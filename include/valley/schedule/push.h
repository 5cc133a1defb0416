#pragma once

#include "valley/core/settings.h"

namespace valley {

/// How the push strength of DPPF changes over the run. The final valley width follows the final
/// value, so a decreasing push ends with workers that agree.
enum class PushShape {
  kConstant,
  kIncreasing,
  kDecreasing,
  kLinearIncreasing,
  kLinearDecreasing,
};

inline constexpr OneOf<PushShape>::Name kPushShapeNames[] = {
    {"constant", PushShape::kConstant},
    {"increasing", PushShape::kIncreasing},
    {"decreasing", PushShape::kDecreasing},
    {"linear-increasing", PushShape::kLinearIncreasing},
    {"linear-decreasing", PushShape::kLinearDecreasing}};
inline constexpr auto kPushShapes = one_of("push schedule", kPushShapeNames);

/// What the push strength is multiplied with, in [0, 1]; p = k / K is clamped to [0, 1].
///
///     constant            1
///     increasing          (1 - cos(pi p)) / 2
///     decreasing          (1 + cos(pi p)) / 2
///     linear-increasing   p
///     linear-decreasing   1 - p
double push_factor(PushShape shape, double progress);

}  // namespace valley
