#include "valley/schedule/push.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "valley/core/names.h"

namespace valley {

const std::vector<std::string>& push_shape_names() {
  static const std::vector<std::string> names = {
      "constant", "increasing", "decreasing", "linear-increasing", "linear-decreasing",
  };
  return names;
}

PushShape parse_push_shape(std::string_view name) {
  return static_cast<PushShape>(choose("push schedule", name, push_shape_names()));
}

double push_factor(PushShape shape, double progress) {
  const double p = std::clamp(progress, 0.0, 1.0);
  switch (shape) {
    case PushShape::kConstant:
      break;
    case PushShape::kIncreasing:
      return (1 - std::cos(std::numbers::pi * p)) / 2;
    case PushShape::kDecreasing:
      return (1 + std::cos(std::numbers::pi * p)) / 2;
    case PushShape::kLinearIncreasing:
      return p;
    case PushShape::kLinearDecreasing:
      return 1 - p;
  }
  return 1;
}

}  // namespace valley
