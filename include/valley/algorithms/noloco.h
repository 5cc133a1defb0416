#pragma once

#include <memory>
#include <optional>

#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

struct NoLoCoOptions {
  PeriodSpec period = {};
  std::optional<double> outer_lr = {};        ///< a; 0.7 unless given
  std::optional<double> outer_momentum = {};  ///< beta; 0.5 unless given
  OptimizerState optimizer_state = OptimizerState::kLocal;
};

template <typename V>
void visit(NoLoCoOptions& o, V& v) {
  v(kPeriod, o.period);
  v(kOuterLr, o.outer_lr);
  v(kOuterMomentum, o.outer_momentum);
  v(kOptimizerState, o.optimizer_state);
}

/// NoLoCo: local training, and every tau steps a meeting of random pairs; nobody waits for all.
/// With x0_m where worker m stood after its last meeting, and ~ the mean over its pair:
///
///     delta_m <- beta delta_m + a (x~ - x0~) + a (x0~ - x0_m)
///     x0_m    <- x0_m + delta_m,   x_m <- x0_m
///
/// The first term is the outer step of DiLoCo over a pair, the second draws the pair together. With
/// one rate a for both, as the authors have it, their sum is a (x~ - x0_m), so that x0 need not be
/// sent. Of an odd number of workers one sits out: it goes on, and meets the next time. Pairs are
/// those of the topology matching, another in every round. A worker alone meets nobody.
///
/// Cost of a round: d values; none for who sits out. Two workers, a pair: one all-reduce of d.
/// Memory: 4 d. State: the clock, x0 and delta.
///
/// Reference: "NoLoCo", 2025, arXiv:2506.10911: tau 50, a .7 and beta .5 are the paper's.
///
/// @throws UsageError if the outer learning rate is not above 0 or the momentum not in [0, 1).
std::unique_ptr<Algorithm> make_noloco(const NoLoCoOptions&, const AlgorithmContext&);

}  // namespace valley
