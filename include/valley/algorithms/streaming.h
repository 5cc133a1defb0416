#pragma once

#include <cstdint>

#include "valley/core/settings.h"
#include "valley/schedule/period.h"

namespace valley {

/// How a round hides behind the steps of the workers; see rounds.h.
struct Streaming {
  int64_t delay = 0;      ///< D, steps from the beginning of a round to its application
  int64_t fragments = 1;  ///< P, slices of x that meet one after the other within a period
};

template <typename V>
void visit(Streaming& o, V& v) {
  v("delay", o.delay, at_least(0),
    "local steps that a round takes, computed while the workers talk; below the period", kYounger);
  v("fragments", o.fragments, at_least(1),
    "slices of the weights that meet one after the other within a period", kYounger);
}

/// @throws UsageError if a round would not be over before the next one begins, or a fragment would
///     have no step to meet in: P must be at most the period N, and D below N / P. Of a period that
///     changes N is the longest that is known, N or BASE.
void check_streaming(const Streaming& streaming, const PeriodSpec& period);

/// Where slice `fragment` of P of d values begins; slice P would begin at d.
constexpr int64_t fragment_begin(int64_t fragment, int64_t fragments, int64_t d) {
  return fragment * d / fragments;
}

/// Of d values how many meet in round `round`, counted from 0.
constexpr int64_t fragment_size(int64_t round, const Streaming& streaming, int64_t d) {
  const int64_t fragment = round % streaming.fragments;
  return fragment_begin(fragment + 1, streaming.fragments, d) -
         fragment_begin(fragment, streaming.fragments, d);
}

/// The place of a fragment in a period: the number of local steps after which it meets, the last of
/// them with the period. In a period below P some meet in the same step.
constexpr int64_t fragment_place(int64_t fragment, int64_t fragments, int64_t period) {
  return ((fragment + 1) * period + fragments - 1) / fragments;
}

/// How many fragments have met after `position` steps of a period.
constexpr int64_t fragments_met(int64_t fragments, int64_t period, int64_t position) {
  int64_t met = 0;
  while (met < fragments && fragment_place(met, fragments, period) <= position) ++met;
  return met;
}

}  // namespace valley
