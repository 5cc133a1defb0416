#pragma once

#include <memory>

#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

struct DppfOptions {
  PullPushOptions pull_push = {};
  PushShape push_schedule = PushShape::kConstant;
  PeriodSpec period = {};
};

template <typename V>
void visit(DppfOptions& o, V& v) {
  v(kPeriod, o.period);
  v(kPull, o.pull_push.pull);
  v(kPush, o.pull_push.push);
  v(kPushSchedule, o.push_schedule);
  v("push-variant", o.pull_push.variant, one_of("push variant", kPushVariantNames),
    "simple, or exact (leaves the average in place)");
  v(kPushRelative, o.pull_push.push_relative);
}

/// DPPF: local steps, and every tau steps the pull-push round (pull_push.h), with the push
/// strength following a schedule over the run.
///
/// lambda = 0 is its base method, averaging with strength alpha, bit for bit; alpha = 1 as well is
/// local-sgd.
///
/// Cost of a round: one all-reduce of d values (push variant exact: two). State: the clock.
///
/// Reference: see pull_push.h.
std::unique_ptr<Algorithm> make_dppf(const DppfOptions&, const AlgorithmContext&);

}  // namespace valley
