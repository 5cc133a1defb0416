#include "valley/algorithms/hierarchy.h"

#include <fmt/format.h>

#include <algorithm>

#include "valley/core/error.h"
#include "valley/core/numbers.h"

namespace valley {
namespace {

constexpr Key kHierarchyKey = {"hierarchy"};
constexpr std::string_view kInner = "inner:", kOuter = "outer:";

// What stands behind the name; 0 if it is no number from 1 on.
int64_t number_behind(std::string_view name, std::string_view text) {
  if (!text.starts_with(name)) return 0;
  return parse_number<int64_t>(text.substr(name.size())).value_or(0);
}

}  // namespace

HierarchyPeriods parse_hierarchy(std::string_view text) {
  if (text == "none") return {};
  const size_t comma = std::min(text.find(','), text.size());
  const HierarchyPeriods periods = {
      number_behind(kInner, text.substr(0, comma)),
      number_behind(kOuter, text.substr(std::min(comma + 1, text.size())))};
  require(periods.inner >= 1 && periods.outer >= 1,
          "{} must be none or inner:TAU,outer:TAU with numbers of steps from 1 on, got '{}'",
          kHierarchyKey, text);
  require(periods.outer % periods.inner == 0,
          "{} {}: the outer period must be a multiple of the inner one", kHierarchyKey, text);
  return periods;
}

std::string to_string(const HierarchyPeriods& periods) {
  if (periods == HierarchyPeriods()) return "none";
  return fmt::format("{}{},{}{}", kInner, periods.inner, kOuter, periods.outer);
}

void check_hierarchy(const Hierarchy& h, const PeriodSpec& period,
                     const std::string& compress_rounds) {
  const Hierarchy plain;
  const auto require_groups = [&](const char* key, bool as_usual) {
    require(h.on() || as_usual, "{} is for rounds within a group: it needs a {}", Key{key},
            kHierarchyKey);
  };
  require_groups("group-size", h.group_size == plain.group_size);
  require_groups("inner-pull", h.inner_pull == plain.inner_pull);
  require_groups("inner-push", h.inner_push == plain.inner_push);
  require_groups("inner-wire", h.inner_wire == plain.inner_wire);
  if (!h.on()) return;
  require(period == PeriodSpec(), "{} says when the workers meet: leave {} {} out", kHierarchyKey,
          Key{"period"}, to_string(period));
  require(compress_rounds == "none",
          "{} {} keeps replicas of all workers, which those of another group would not follow: {} "
          "and {} go with {}",
          Key{"compress-rounds"}, compress_rounds, Key{"wire"}, Key{"inner-wire"}, kHierarchyKey);
}

void check_groups(const Hierarchy& h, int workers) {
  if (!h.on() || h.group_size == 0) return;
  require(workers % h.group_size == 0, "{} {} does not divide the {} workers of the {}",
          Key{"group-size"}, h.group_size, workers, kHierarchyKey);
}

void check_optimizer_state(OptimizerState state, const Hierarchy& h) {
  require(state == OptimizerState::kLocal || !h.on(),
          "{} {} is of rounds of all workers: it does not go with {}", Key{"optimizer-state"},
          one_of("", kOptimizerStateNames).spell(state), kHierarchyKey);
}

PeriodSpec period_of(const Hierarchy& hierarchy, const PeriodSpec& period) {
  return hierarchy.on() ? PeriodSpec{.base = hierarchy.periods.inner} : period;
}

}  // namespace valley
