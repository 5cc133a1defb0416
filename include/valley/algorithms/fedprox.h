#pragma once

#include <memory>

#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

struct FedProxOptions {
  PeriodSpec period = {};
  double participate = 1;  ///< share of the workers in a round
  double prox = 0.1;       ///< mu
  OptimizerState optimizer_state = OptimizerState::kLocal;
};

template <typename V>
void visit(FedProxOptions& o, V& v) {
  v(kPeriod, o.period);
  v(kParticipate, o.participate);
  v("prox", o.prox, at_least(0),
    "mu: every worker's loss has mu / 2 ||x - where the round began||^2", kYounger);
  v(kOptimizerState, o.optimizer_state);
}

/// FedProx: FedAvg whose workers are held to where their round began, for data that differ.
///
///     g_m <- g_m + mu (x_m - x_0)          in every step, x_0 where the workers last met
///
/// and rounds as fedavg.h has them. mu = 0 is FedAvg, bit for bit.
///
/// Cost of a round: one all-reduce of d values. Memory: 2 d. State: the clock and x_0.
///
/// Reference: Li, Sahu, Zaheer, Sanjabi, Talwalkar and Smith, "Federated Optimization in
/// Heterogeneous Networks", MLSys 2020, arXiv:1812.06127. Workers that do less than a whole round
/// are theirs and not here. The default of mu is ours.
std::unique_ptr<Algorithm> make_fedprox(const FedProxOptions&, const AlgorithmContext&);

}  // namespace valley
