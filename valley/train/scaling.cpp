#include "valley/train/scaling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "valley/algorithms/table.h"
#include "valley/core/error.h"
#include "valley/core/names.h"
#include "valley/core/numbers.h"
#include "valley/schedule/period.h"

namespace valley {
namespace {

int64_t divided(int64_t steps, double by) {
  return std::max<int64_t>(1, std::llround(static_cast<double>(steps) / by));
}

template <typename T>
void change(RunConfig& config, const char* key, T before, T after,
            std::vector<std::string>& changes) {
  if (before == after) return;
  set(config, key, SettingValue(after));
  changes.push_back(fmt::format("{} {} becomes {}", key, before, after));
}

std::string setting_text(RunConfig& config, const std::string& key) {
  for (const Setting& setting : settings_of(config))
    if (setting.key == key) return std::get<std::string>(setting.get());
  return "";
}

}  // namespace

ScaleRule parse_scale_rule(const std::string& name) {
  return static_cast<ScaleRule>(choose("scale rule", name, {"linear", "square-root"}));
}

ScaleFrom parse_scale_from(std::string_view text) {
  const size_t x = text.find('x');
  const auto workers = parse_number<int64_t>(text.substr(0, x));
  const auto batch =
      x == text.npos ? std::optional<int64_t>(0) : parse_number<int64_t>(text.substr(x + 1));
  require(workers && *workers >= 1 && batch && (x == text.npos || *batch >= 1),
          "{} must be WORKERS or WORKERSxBATCH, numbers from 1 on, got '{}'", Key{"scale-from"},
          text);
  return {.workers = *workers, .batch_size = *batch};
}

RunConfig scaled(RunConfig config, const ScaleFrom& from, ScaleRule rule,
                 std::vector<std::string>& changes) {
  const int64_t batch = from.batch_size > 0 ? from.batch_size : config.batch_size;
  const double k = static_cast<double>(config.workers * config.batch_size) /
                   static_cast<double>(from.workers * batch);
  const double factor = rule == ScaleRule::kLinear ? k : std::sqrt(k);
  const double rate = config.learning_rate.base;
  change(config, "lr", rate, rate * factor, changes);
  if (config.steps > 0) change(config, "steps", config.steps, divided(config.steps, k), changes);
  if (const int64_t warmup = config.learning_rate.warmup_steps; warmup > 0)
    change(config, "warmup-steps", warmup, divided(warmup, k), changes);
  if (!find_algorithm(config.algorithm).defaults.has("period")) return config;
  const std::string before = setting_text(config, "period");
  PeriodSpec period = parse_period(before);
  if (period.kind == PeriodSpec::Kind::kQsr) return config;
  period.base = divided(period.base, factor);
  change(config, "period", before, to_string(period), changes);
  return config;
}

}  // namespace valley
