#pragma once

#include <string>
#include <string_view>
#include <vector>

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

/// The names parse_push_shape() knows, in the order of the enum.
const std::vector<std::string>& push_shape_names();

/// @throws UsageError for any other name, with the nearest one.
PushShape parse_push_shape(std::string_view name);

/// What the push strength is multiplied with, in [0, 1]; p = k / K is clamped to [0, 1].
///
///     constant            1
///     increasing          (1 - cos(pi p)) / 2
///     decreasing          (1 + cos(pi p)) / 2
///     linear-increasing   p
///     linear-decreasing   1 - p
double push_factor(PushShape shape, double progress);

}  // namespace valley
