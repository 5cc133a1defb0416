#include "valley/schedule/push.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace valley {

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
