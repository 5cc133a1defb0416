#pragma once

#include <memory>
#include <string>

#include "valley/algorithms/hierarchy.h"
#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"
#include "valley/algorithms/streaming.h"

namespace valley {

struct LsgdOptions {
  PullPushOptions pull_push = {};
  PushShape push_schedule = PushShape::kConstant;
  PeriodSpec period = {};
  double leader_pull = 0;                ///< p, of every local step together over a period
  std::string compress_rounds = "none";  ///< see known_replicas.h
  Streaming streaming = {};
  std::string wire = "none";  ///< none, bf16, fp16 or int8
  Hierarchy hierarchy = {};
  OptimizerState optimizer_state = OptimizerState::kLocal;
};

template <typename V>
void visit(LsgdOptions& o, V& v) {
  v(kPeriod, o.period);
  v(kPull, o.pull_push.pull);
  v("leader-pull", o.leader_pull, in(0, 1),
    "pull towards the last leader within a period, in [0, 1]");
  v(kPush, o.pull_push.push);
  v(kPushSchedule, o.push_schedule);
  v(kPushRelative, o.pull_push.push_relative);
  v(kCompressRounds, o.compress_rounds);
  visit(o.streaming, v);
  v(kWire, o.wire);
  visit(o.hierarchy, v);
  v(kOptimizerState, o.optimizer_state);
}

/// Leader SGD: local steps, and every tau steps a pull towards the worker that is doing best.
///
///     m*  = argmin_m (mean training loss of worker m over the steps since the last round)
///     x_m <- x_m + alpha  (x_{m*} - x_m)
///                + lambda (x_m - x_A) / ||x_m - x_A||       the push of dppf, see consensus.h
///
/// Of equal losses the lowest rank's leads, and one that is no number never does. The pull leaves
/// the leader where it is. lambda = 0 is Leader SGD itself; alpha = 1 as well collapses all workers
/// onto the leader.
///
/// With a leader pull p > 0 every local step also pulls towards the leader of the last round, as it
/// was then: x_m <- x_m + (p / tau) (x_last - x_m), so that p is about the share of a whole period.
/// It costs no communication.
///
/// Cost of a round: an all-gather of 1 value, a broadcast of d and, with a push, an all-reduce of
/// d. Memory: 2 d (without a push d). State: the clock, sum and number of the losses; with a
/// leader pull the last leader, d. With a wire, bf16 or fp16, the leader's weights are one payload
/// and the average is said by it.
///
/// Reference: Teng, Gao, Chalus, Choromanska, Goldfarb and Weller, "Leader Stochastic Gradient
/// Descent for Distributed Training of Deep Learning Models", NeurIPS 2019, arXiv:1905.10395. The
/// push is ours to add, as dppf adds it to the average. The factor 1 / tau is the authors'; that
/// there is no leader pull before the first round is ours.
std::unique_ptr<Algorithm> make_lsgd(const LsgdOptions&, const AlgorithmContext&);

}  // namespace valley
