#include "valley/schedule/learning_rate.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "valley/core/error.h"

namespace valley {

LrSchedule::LrSchedule(LrScheduleOptions options) : options_(std::move(options)) {
  const auto& o = options_;
  require(o.base > 0 && std::isfinite(o.base), "{} must be above 0, got {}", Key{"lr"}, o.base);
  require(o.total_steps >= 1, "{} must be at least 1, got {}", Key{"steps"}, o.total_steps);
  require(0 <= o.warmup_steps && o.warmup_steps <= o.total_steps,
          "{} must be between 0 and the run's {} steps, got {}", Key{"warmup-steps"}, o.total_steps,
          o.warmup_steps);
  require(0 < o.factor && o.factor <= 1,
          "the factor of a learning rate in steps must be in (0, 1], got {}", o.factor);
  double previous = 0;
  for (const double milestone : o.milestones) {
    require(0 < milestone && milestone < 1,
            "the milestones of a learning rate must be fractions of the run in (0, 1), got {}",
            milestone);
    require(milestone > previous,
            "the milestones of a learning rate must increase, got {} after {}", milestone,
            previous);
    previous = milestone;
  }
}

double LrSchedule::at(int64_t step) const {
  const auto& o = options_;
  const int64_t k = std::clamp<int64_t>(step, 0, o.total_steps);
  if (k < o.warmup_steps) return o.base * static_cast<double>(k + 1) / o.warmup_steps;

  switch (o.shape) {
    case LrShape::kConstant:
      break;
    case LrShape::kCosine: {
      const int64_t length = o.total_steps - o.warmup_steps;
      if (length == 0) return 0;
      const double progress = static_cast<double>(k - o.warmup_steps) / length;
      return o.base * (1 + std::cos(std::numbers::pi * progress)) / 2;
    }
    case LrShape::kStep: {
      // 0.7 * 10 is a little more than 7: the milestone must not slip to step 8.
      const auto passed = std::count_if(
          o.milestones.begin(), o.milestones.end(),
          [&](double milestone) { return milestone * o.total_steps * (1 - 1e-12) <= k; });
      return o.base * std::pow(o.factor, static_cast<double>(passed));
    }
  }
  return o.base;
}

}  // namespace valley
