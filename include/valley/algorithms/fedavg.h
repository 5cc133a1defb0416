#pragma once

#include <memory>

#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

struct FedAvgOptions {
  PeriodSpec period = {};
  double participate = 1;  ///< share of the workers in a round
  OptimizerState optimizer_state = OptimizerState::kLocal;
};

template <typename V>
void visit(FedAvgOptions& o, V& v) {
  v(kPeriod, o.period);
  v(kParticipate, o.participate);
  v(kOptimizerState, o.optimizer_state);
}

/// FedAvg: local SGD of which only a random share of the workers takes part in a round.
///
///     x_m <- (1/|S|) sum_{k in S} x_k      for all m; S: ceil(share M) workers, drawn in every
///     round
///
/// What the others have done since the last round is lost, as if they had not been asked to train:
/// their part in Valley is to stand by. With a share of 1 it is local-sgd bit for bit. Every worker
/// counts the same, and its local optimizer goes on over rounds.
///
/// Cost of a round: one all-reduce of d values. Memory: d. State: the clock.
///
/// Reference: McMahan, Moore, Ramage, Hampson and Aguera y Arcas, "Communication-Efficient Learning
/// of Deep Networks from Decentralized Data", AISTATS 2017, arXiv:1602.05629.
std::unique_ptr<Algorithm> make_fedavg(const FedAvgOptions&, const AlgorithmContext&);

}  // namespace valley
