#include "valley/schedule/period.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "valley/core/error.h"
#include "valley/core/numbers.h"

namespace valley {
namespace {

constexpr Key kPeriodKey = {"period"};

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  for (size_t colon; (colon = text.find(':')) != text.npos; text.remove_prefix(colon + 1))
    parts.push_back(text.substr(0, colon));
  parts.push_back(text);
  return parts;
}

void check(const PeriodSpec& spec) {
  using Kind = PeriodSpec::Kind;
  switch (spec.kind) {
    case Kind::kConstant:
      require(spec.base >= 1, "{} must be at least 1, got {}", kPeriodKey, spec.base);
      return;
    case Kind::kPostLocal:
      require(spec.switch_epoch >= 0, "{} post-local:EPOCH:N needs an EPOCH >= 0, got {}",
              kPeriodKey, spec.switch_epoch);
      require(spec.base >= 1, "{} post-local:EPOCH:N needs N to be at least 1, got {}", kPeriodKey,
              spec.base);
      return;
    case Kind::kQsr:
      require(spec.base >= 1, "{} qsr:BASE:COEF needs BASE to be at least 1, got {}", kPeriodKey,
              spec.base);
      require(spec.coefficient > 0 && std::isfinite(spec.coefficient),
              "{} qsr:BASE:COEF needs COEF > 0, got {}", kPeriodKey, spec.coefficient);
      return;
  }
}

std::optional<PeriodSpec> parse(std::string_view text) {
  using Kind = PeriodSpec::Kind;
  const auto parts = split(text);
  PeriodSpec spec;
  if (parts.size() == 1) {
    const auto base = parse_number<int64_t>(parts[0]);
    if (!base) return std::nullopt;
    spec.base = *base;
    return spec;
  }
  if (parts.size() != 3) return std::nullopt;
  if (parts[0] == "post-local") {
    const auto epoch = parse_number<int64_t>(parts[1]);
    const auto base = parse_number<int64_t>(parts[2]);
    if (!epoch || !base) return std::nullopt;
    spec.kind = Kind::kPostLocal;
    spec.switch_epoch = *epoch;
    spec.base = *base;
    return spec;
  }
  if (parts[0] == "qsr") {
    const auto base = parse_number<int64_t>(parts[1]);
    const auto coefficient = parse_number<double>(parts[2]);
    if (!base || !coefficient) return std::nullopt;
    spec.kind = Kind::kQsr;
    spec.base = *base;
    spec.coefficient = *coefficient;
    return spec;
  }
  return std::nullopt;
}

}  // namespace

PeriodSpec parse_period(std::string_view text) {
  const auto spec = parse(text);
  require(spec.has_value(), "{} must be N, post-local:EPOCH:N or qsr:BASE:COEF, got '{}'",
          kPeriodKey, text);
  check(*spec);
  return *spec;
}

std::string to_string(const PeriodSpec& spec) {
  switch (spec.kind) {
    case PeriodSpec::Kind::kConstant:
      break;
    case PeriodSpec::Kind::kPostLocal:
      return fmt::format("post-local:{}:{}", spec.switch_epoch, spec.base);
    case PeriodSpec::Kind::kQsr:
      return fmt::format("qsr:{}:{}", spec.base, spec.coefficient);
  }
  return fmt::format("{}", spec.base);
}

int64_t qsr_period(int64_t base, double coefficient, double lr, int64_t steps_left) {
  const double ratio = coefficient / lr;
  // The square of 0.2 / 0.06 and the like may fall a rounding error below a whole number.
  const double wished = std::floor(ratio * ratio * (1 + 1e-9));
  // Written so that the infinity of lr = 0 goes to the steps left and is never cast.
  if (!(wished < static_cast<double>(steps_left))) return steps_left;
  return std::min(std::max(base, static_cast<int64_t>(wished)), steps_left);
}

RoundClock::RoundClock(PeriodSpec spec, int64_t total_steps, int64_t steps_per_epoch,
                       std::function<double(int64_t)> learning_rate, int64_t warmup_steps)
    : spec_(spec),
      total_steps_(total_steps),
      steps_per_epoch_(steps_per_epoch),
      learning_rate_(std::move(learning_rate)),
      warmup_steps_(warmup_steps) {
  check(spec_);
  require(total_steps_ >= 1, "{} must be at least 1, got {}", Key{"steps"}, total_steps_);
  require(steps_per_epoch_ >= 1, "an epoch must have at least 1 step, got {}", steps_per_epoch_);
  require(spec_.kind != PeriodSpec::Kind::kQsr || learning_rate_,
          "{} qsr:BASE:COEF needs a learning-rate schedule", kPeriodKey);
  require(warmup_steps_ >= 0, "{} must be at least 0, got {}", Key{"warmup-steps"}, warmup_steps_);
  state_.period = choose_period();
}

int64_t RoundClock::choose_period() const {
  switch (spec_.kind) {
    case PeriodSpec::Kind::kConstant:
      break;
    case PeriodSpec::Kind::kPostLocal:
      return state_.step / steps_per_epoch_ < spec_.switch_epoch ? 1 : spec_.base;
    case PeriodSpec::Kind::kQsr: {
      const int64_t left = total_steps_ - state_.step;
      if (state_.step < warmup_steps_) return std::min(spec_.base, left);
      return qsr_period(spec_.base, spec_.coefficient, learning_rate_(state_.step), left);
    }
  }
  return spec_.base;
}

bool RoundClock::tick() {
  ++state_.step;
  if (++state_.position < state_.period) return false;
  state_.position = 0;
  ++state_.rounds;
  // After the last step there is no next period; the last one stays to be shown.
  if (state_.step < total_steps_) state_.period = choose_period();
  return true;
}

void RoundClock::start_at(int64_t step) {
  state_ = {.step = step, .period = spec_.base, .position = 0, .rounds = 0};
  if (step < total_steps_) state_.period = choose_period();
}

void RoundClock::set_state(const State& state) {
  require(0 <= state.step && state.step <= total_steps_ && state.period >= 1 &&
              0 <= state.position && state.position < state.period && state.rounds >= 0 &&
              state.rounds <= state.step,
          "a run of {} steps cannot go on from step {}, {} steps into a period of {}", total_steps_,
          state.step, state.position, state.period);
  state_ = state;
}

}  // namespace valley
