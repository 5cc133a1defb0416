#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "valley/algorithms/shared_settings.h"
#include "valley/core/settings.h"
#include "valley/schedule/period.h"

namespace valley {

/// How many local steps lie between rounds within a group, and between rounds of all. 0: no groups.
struct HierarchyPeriods {
  int64_t inner = 0, outer = 0;

  bool operator==(const HierarchyPeriods&) const = default;
};

/// "none", or "inner:TAU,outer:TAU".
/// @throws UsageError if it is neither, or the outer period no multiple of the inner one.
HierarchyPeriods parse_hierarchy(std::string_view text);

/// The text that parse_hierarchy() reads back to the same value.
std::string to_string(const HierarchyPeriods& periods);

/// Groups of workers that meet often, among all workers that meet rarely. After every `inner` local
/// steps there is a round: the method's own among all workers where `outer` divides the steps, and
/// otherwise one within the group, a pull and a push (pull_push.h) of its own strengths:
///
///     x_G = (1/N) sum over the N workers of the group
///     x_m <- x_m + inner_pull (x_G - x_m) + inner_push (x_m - x_G) / ||x_m - x_G||
///
/// Pull 1 and push 0, unless given, are the average of the group. What the method remembers
/// (a momentum over the rounds, a centre, a leader) is of the outer rounds. An outer round is among
/// all workers, and not among one of each group with the result sent on: so it is the method's
/// round to the bit, and a worker hands in as much.
///
/// Groups are workers whose ranks follow each other, N at a time, or those of one machine. With
/// outer = inner or all workers in groups of one only the outer rounds are left: the method without
/// groups.
///
/// Cost of a round: that of the method, or one all-reduce of d values in the group, said as
/// `inner_wire` has it. State: what the meeting of the group remembers beside the method's.
///
/// Reference: two levels of averaging, often within a machine and rarely among all, are those of
/// hierarchical local SGD, Lin, Stich, Patel and Jaggi, "Don't Use Large Mini-Batches, Use Local
/// SGD", ICLR 2020, arXiv:1808.07217. That the outer round is that of any method, and the push of
/// the inner one, are ours.
struct Hierarchy {
  HierarchyPeriods periods = {};
  int64_t group_size = 0;  ///< N; 0: the workers of one machine
  double inner_pull = 1, inner_push = 0;
  std::string inner_wire = "none";

  bool on() const { return periods.inner > 0; }

  /// Whether the rounds of period k, counted from 0, are among all workers.
  bool outer(int64_t k) const { return !on() || (k + 1) % (periods.outer / periods.inner) == 0; }
};

inline constexpr Parsed<HierarchyPeriods> kHierarchyText = {&parse_hierarchy, &to_string};

template <typename V>
void visit(Hierarchy& o, V& v) {
  v("hierarchy", o.periods, kHierarchyText,
    "inner:TAU,outer:TAU: rounds within a group and among all, in place of {period}; or none",
    kYounger);
  v("group-size", o.group_size, at_least(0),
    "workers of a group of {hierarchy}, one after the other; 0: those of one machine", kYounger);
  v("inner-pull", o.inner_pull, in(0, 1).open_below(),
    "pull of the rounds within a group, towards its average", kYounger);
  v("inner-push", o.inner_push, at_least(0), "push of the rounds within a group, away from it",
    kYounger);
  v("inner-wire", o.inner_wire, CheckedText{&check_wire}, "{wire} of the rounds within a group",
    kYounger);
}

/// @throws UsageError for settings of groups without a hierarchy, or for a hierarchy beside a
///     period or compressed rounds.
void check_hierarchy(const Hierarchy& hierarchy, const PeriodSpec& period,
                     const std::string& compress_rounds);

/// @throws UsageError if the groups do not divide the workers.
void check_groups(const Hierarchy& hierarchy, int workers);

/// @throws UsageError for rounds of some of the workers in which the optimizers would not meet, or
///     forget.
void check_optimizer_state(OptimizerState state, const Hierarchy& hierarchy);

/// That of all rounds together.
PeriodSpec period_of(const Hierarchy& hierarchy, const PeriodSpec& period);

}  // namespace valley
