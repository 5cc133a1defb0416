#pragma once

#include <memory>

#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

struct ScaffoldOptions {
  PeriodSpec period = {};
  double participate = 1;  ///< share of the workers in a round
  OptimizerState optimizer_state = OptimizerState::kLocal;
};

template <typename V>
void visit(ScaffoldOptions& o, V& v) {
  v(kPeriod, o.period);
  v(kParticipate, o.participate);
  v(kOptimizerState, o.optimizer_state);
}

/// SCAFFOLD: local SGD whose workers correct their gradients by what they know of the others', for
/// data that differ. c_m is worker m's own mean gradient over its last round, c that of all:
///
///     g_m  <- g_m - c_m + c                             in every local step
///     dc_m  = (mean of the round's g_m, before that) - c_m
///     x    <- (1/|S|) sum_{m in S} x_m                  on all workers; S those who take part
///     c    <- c + (1/M) sum_{m in S} dc_m
///     c_m  <- c_m + dc_m                                if m takes part
///
/// The mean weighs each step by its learning rate eta, so that for plain SGD it is what the authors
/// write, c_m - c + (x_0 - x_m) / sum eta with x_0 where the round began; taken from the gradients
/// themselves it serves any local optimizer. All c begin at 0. At the minimum of the mean loss
/// g_m - c_m + c is 0 on every worker, so that nobody drifts away between rounds. A worker alone
/// does nothing of this.
///
/// Cost of a round: one all-reduce of 2 d values. Memory: 6 d. State: the clock, c, c_m, and the
/// sums of eta g_m and eta since the last round.
///
/// Reference: Karimireddy, Kale, Mohri, Reddi, Stich and Suresh, "SCAFFOLD: Stochastic Controlled
/// Averaging for Federated Learning", ICML 2020, arXiv:1910.06378, with their second choice of c_m
/// and a global step of 1. Other optimizers than SGD are ours.
///
/// @throws UsageError if the context has no learning rate.
std::unique_ptr<Algorithm> make_scaffold(const ScaffoldOptions&, const AlgorithmContext&);

}  // namespace valley
