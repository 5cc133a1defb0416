#pragma once

#include <memory>
#include <optional>
#include <string>

#include "valley/algorithms/hierarchy.h"
#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"
#include "valley/algorithms/streaming.h"

namespace valley {

struct SlowMoOptions {
  PeriodSpec period = {};
  std::optional<double> outer_lr = {};        ///< alpha; 1 unless given
  std::optional<double> outer_momentum = {};  ///< beta; 0.5 unless given
  std::string compress_rounds = "none";       ///< see known_replicas.h
  Streaming streaming = {};
  std::string wire = "none";  ///< see docs/algorithms.md, "On the wire"
  Hierarchy hierarchy = {};
  OptimizerState optimizer_state = OptimizerState::kLocal;
};

template <typename V>
void visit(SlowMoOptions& o, V& v) {
  v(kPeriod, o.period);
  v(kOuterLr, o.outer_lr);
  v(kOuterMomentum, o.outer_momentum);
  v(kCompressRounds, o.compress_rounds);
  visit(o.streaming, v);
  v(kWire, o.wire);
  visit(o.hierarchy, v);
  v(kOptimizerState, o.optimizer_state);
}

/// SlowMo: local SGD with slow momentum over the rounds.
///
///     u <- beta u + (x_0 - x_A) / eta       x_0 where the round began, eta the learning rate now
///     x <- x_0 - alpha eta u                on all workers
///
/// alpha is the outer learning rate (1 unless given), beta the outer momentum (0.5 unless given).
/// alpha = 1 and beta = 0 is local-sgd bit for bit; one worker alone is Lookahead then with
/// momentum. A learning rate of 0, at the end of a cosine, leaves u as it is and x at x_A. The
/// local optimizer's own momentum stays as it is over a round.
///
/// Cost of a round: one all-reduce of d values. State: the clock, x_0 and u.
///
/// Reference: Wang, Tantia, Ballas and Rabbat, "SlowMo: Improving Communication-Efficient
/// Distributed SGD with Slow Momentum", ICLR 2020, arXiv:1910.00643.
///
/// @throws UsageError if the outer learning rate is not above 0 or the momentum not in [0, 1).
std::unique_ptr<Algorithm> make_slowmo(const SlowMoOptions&, const AlgorithmContext&);

}  // namespace valley
