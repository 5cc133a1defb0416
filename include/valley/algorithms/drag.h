#pragma once

#include <memory>

#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

struct DragOptions {
  PeriodSpec period = {};
  double participate = 1;     ///< share of the workers in a round
  double drag = 0.25;         ///< c
  double drag_memory = 0.75;  ///< 1 - a
  OptimizerState optimizer_state = OptimizerState::kLocal;
};

template <typename V>
void visit(DragOptions& o, V& v) {
  v(kPeriod, o.period);
  v(kParticipate, o.participate);
  v("drag", o.drag, in(0, 1),
    "c, how strongly a worker's way over a round is turned to that of all", kYounger);
  v("drag-memory", o.drag_memory, in(0, 1).open_above(),
    "share of the former ways in the way of all that {drag} turns to", kYounger);
  v(kOptimizerState, o.optimizer_state);
}

/// DRAG, divergence-based adaptive aggregation: FedAvg whose workers turn their way over a round,
/// g_m = x_m - x_0, towards r, the way that all have gone in the rounds before. The more the two
/// differ, the more:
///
///     lambda_m = c (1 - cos(g_m, r))
///     v_m = (1 - lambda_m) g_m + lambda_m (||g_m|| / ||r||) r
///     x  <- x_0 + (1/|S|) sum_{m in S} v_m        on all workers; S those who take part
///     r  <- (1 - a) r + a (x - x_0)
///
/// 1 - a is --drag-memory. c = 0 is FedAvg (fedavg.h), bit for bit. In the first round there is no
/// r yet: v_m = g_m, and r begins as the way of all. A way of no length is turned nowhere.
///
/// Cost of a round: one all-reduce of d values. Memory: 3 d. State: the clock, x_0 and r.
///
/// Reference: "DRAG", arXiv:2309.01779, but for the first round and the defaults, which are ours.
/// Its Byzantine form is left out: there the server turns the ways, and here each worker its own.
std::unique_ptr<Algorithm> make_drag(const DragOptions&, const AlgorithmContext&);

}  // namespace valley
