#pragma once

#include <optional>
#include <string>

#include "valley/algorithms/hierarchy.h"
#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"
#include "valley/algorithms/streaming.h"

namespace valley {

/// What methods read whose workers are pulled towards a place and pushed away from their average,
/// every period; `with_variant`: by a push that has one.
template <bool with_variant>
struct PushedRounds {
  PullPushOptions pull_push = {};
  PushShape push_schedule = PushShape::kConstant;
  PeriodSpec period = {};
  std::string compress_rounds = "none";  ///< see known_replicas.h
  Streaming streaming = {};
  std::string wire = "none";  ///< without a variant: none, bf16, fp16 or int8
  Hierarchy hierarchy = {};
  std::optional<double> fade = {};  ///< of the pull; 0 unless given, see fading.h. Read with a
                                    ///< variant only
  double fade_to = 0;
  OptimizerState optimizer_state = OptimizerState::kLocal;
};

template <bool with_variant, typename V>
void visit(PushedRounds<with_variant>& o, V& v) {
  v(kPeriod, o.period);
  v(kPull, o.pull_push.pull);
  v(kPush, o.pull_push.push);
  v(kPushSchedule, o.push_schedule);
  if constexpr (with_variant) {
    v("push-variant", o.pull_push.variant, one_of("push variant", kPushVariantNames),
      "simple, or exact (leaves the average in place)");
  }
  v(kPushRelative, o.pull_push.push_relative);
  v(kCompressRounds, o.compress_rounds);
  visit(o.streaming, v);
  v(kWire, o.wire);
  visit(o.hierarchy, v);
  if constexpr (with_variant) {
    v(kFade, o.fade);
    v(kFadeTo, o.fade_to);
  }
  v(kOptimizerState, o.optimizer_state);
}

using DppfOptions = PushedRounds<true>;
using GrawaOptions = PushedRounds<false>;  ///< of mgrawa and lgrawa

}  // namespace valley
