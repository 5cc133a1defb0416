#pragma once

#include <string>

#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

/// What mgrawa and lgrawa read.
struct GrawaOptions {
  PullPushOptions pull_push = {};
  PushShape push_schedule = PushShape::kConstant;
  PeriodSpec period = {};
  std::string compress_rounds = "none";  ///< see known_replicas.h
};

template <typename V>
void visit(GrawaOptions& o, V& v) {
  v(kPeriod, o.period);
  v(kPull, o.pull_push.pull);
  v(kPush, o.pull_push.push);
  v(kPushSchedule, o.push_schedule);
  v(kPushRelative, o.pull_push.push_relative);
  v(kCompressRounds, o.compress_rounds);
}

}  // namespace valley
