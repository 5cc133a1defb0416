#include "valley/schedule/learning_rate.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "valley/core/error.h"
#include "valley/core/numbers.h"

namespace valley {
namespace {

void check_milestones(const std::vector<double>& milestones) {
  double previous = 0;
  for (const double milestone : milestones) {
    require(0 < milestone && milestone < 1,
            "the milestones of a learning rate must be fractions of the run in (0, 1), got {}",
            milestone);
    require(milestone > previous,
            "the milestones of a learning rate must increase, got {} after {}", milestone,
            previous);
    previous = milestone;
  }
}

}  // namespace

std::vector<double> parse_milestones(std::string_view text) {
  std::vector<double> milestones;
  for (std::string_view rest = text; !rest.empty() || milestones.empty();) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const auto milestone = parse_number<double>(rest.substr(0, comma));
    require(milestone.has_value(), "{} must be numbers with commas between them, got '{}'",
            Key{"lr-milestones"}, text);
    milestones.push_back(*milestone);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  check_milestones(milestones);
  return milestones;
}

std::string milestones_text(const std::vector<double>& milestones) {
  return fmt::format("{}", fmt::join(milestones, ","));
}

LrSchedule::LrSchedule(LrScheduleOptions options) : options_(std::move(options)) {
  auto& o = options_;
  require(o.base > 0 && std::isfinite(o.base), "{} must be above 0, got {}", Key{"lr"}, o.base);
  require(o.total_steps >= 1, "{} must be at least 1, got {}", Key{"steps"}, o.total_steps);
  require(0 <= o.warmup_steps && o.warmup_steps <= o.total_steps,
          "{} must be between 0 and the run's {} steps, got {}", Key{"warmup-steps"}, o.total_steps,
          o.warmup_steps);
  require(0 < o.factor && o.factor <= 1,
          "the factor of a learning rate in steps must be in (0, 1], got {}", o.factor);
  check_milestones(o.milestones);
  require(0 <= o.floor && o.floor <= 1, "{} must be in [0, 1], got {}", Key{"lr-floor"}, o.floor);
  require(0 <= o.warmup_share && o.warmup_share <= 1, "{} must be in [0, 1], got {}",
          Key{"warmup-share"}, o.warmup_share);
  require(o.warmup_share == 0 || o.warmup_steps == 0, "{} and {} say the same: give one of them",
          Key{"warmup-share"}, Key{"warmup-steps"});
  if (o.warmup_share > 0)
    o.warmup_steps = std::llround(o.warmup_share * static_cast<double>(o.total_steps));
}

double LrSchedule::at(int64_t step) const {
  const auto& o = options_;
  const int64_t k = std::clamp<int64_t>(step, 0, o.total_steps);
  if (k < o.warmup_steps) return o.base * static_cast<double>(k + 1) / o.warmup_steps;

  switch (o.shape) {
    case LrShape::kConstant:
      break;
    case LrShape::kCosine:
    case LrShape::kLinear: {
      const int64_t length = o.total_steps - o.warmup_steps;
      if (length == 0) return o.base * o.floor;
      const double progress = static_cast<double>(k - o.warmup_steps) / length;
      if (o.shape == LrShape::kLinear) return o.base * (o.floor + (1 - o.floor) * (1 - progress));
      const double cosine = o.base * (1 + std::cos(std::numbers::pi * progress)) / 2;
      return o.floor == 0 ? cosine : o.base * o.floor + (1 - o.floor) * cosine;
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
