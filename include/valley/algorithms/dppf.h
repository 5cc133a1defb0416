#pragma once

#include <memory>
#include <string>

#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"
#include "valley/core/error.h"

namespace valley {

struct DppfOptions {
  PullPushOptions pull_push = {};
  PushShape push_schedule = PushShape::kConstant;
  PeriodSpec period = {};
  std::string compress_rounds = "none";  ///< see known_replicas.h
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
  v(kCompressRounds, o.compress_rounds);
}

/// @throws UsageError if the second vector of the exact variant would have to be compressed.
inline void check_compressible(const DppfOptions& o) {
  require(o.pull_push.variant == PushVariant::kSimple || o.compress_rounds == "none",
          "{} exact sends a second vector, which {} does not compress", Key{"push-variant"},
          Key{"compress-rounds"});
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
