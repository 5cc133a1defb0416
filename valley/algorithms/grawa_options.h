#pragma once

#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

/// What mgrawa and lgrawa read.
struct GrawaOptions {
  PullPushOptions pull_push = {};
  PushShape push_schedule = PushShape::kConstant;
  PeriodSpec period = {};
};

template <typename V>
void visit(GrawaOptions& o, V& v) {
  v(kPeriod, o.period);
  v(kPull, o.pull_push.pull);
  v(kPush, o.pull_push.push);
  v(kPushSchedule, o.push_schedule);
  v(kPushRelative, o.pull_push.push_relative);
}

}  // namespace valley
