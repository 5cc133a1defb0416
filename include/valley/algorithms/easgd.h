#pragma once

#include <memory>
#include <string>

#include "valley/algorithms/hierarchy.h"
#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"
#include "valley/algorithms/streaming.h"

namespace valley {

struct EasgdOptions {
  double push = PullPushOptions().push;
  bool push_relative = false;
  PushShape push_schedule = PushShape::kConstant;
  PeriodSpec period = {};
  double moving_rate = 0.9;              ///< beta
  std::string compress_rounds = "none";  ///< see known_replicas.h
  Streaming streaming = {};
  std::string wire = "none";  ///< see docs/algorithms.md, "On the wire"
  Hierarchy hierarchy = {};
  OptimizerState optimizer_state = OptimizerState::kLocal;
};

template <typename V>
void visit(EasgdOptions& o, V& v) {
  v(kPeriod, o.period);
  v("moving-rate", o.moving_rate, in(0, 1).open_below(), "beta; the pull is beta / workers");
  v(kPush, o.push);
  v(kPushSchedule, o.push_schedule);
  v(kPushRelative, o.push_relative);
  v(kCompressRounds, o.compress_rounds);
  visit(o.streaming, v);
  v(kWire, o.wire);
  visit(o.hierarchy, v);
  v(kOptimizerState, o.optimizer_state);
}

/// Elastic Averaging SGD: local steps, and every tau steps workers and a centre z pull each other.
///
///     x_m <- x_m + alpha (z - x_m)                              alpha = beta / M, the old z
///                + lambda (x_m - x_A) / ||x_m - x_A||           the push of dppf, see consensus.h
///     z   <- (1 - beta) z + beta x_A                            x_A from before the round
///
/// beta is the moving rate. z begins where the workers begin; every worker keeps the same z, which
/// nobody sends, because it follows from x_A. Without a push sum_m x_m + z stays as it is. A worker
/// alone has nobody to agree with and just trains.
///
/// Cost of a round: one all-reduce of d values. Memory: 2 d. State: the clock and z.
///
/// Reference: Zhang, Choromanska and LeCun, "Deep learning with Elastic Averaging SGD", NeurIPS
/// 2015, arXiv:1412.6651, in its synchronous form. The push is ours to add.
///
/// @throws UsageError if beta is not in (0, 1].
std::unique_ptr<Algorithm> make_easgd(const EasgdOptions&, const AlgorithmContext&);

}  // namespace valley
