#pragma once

#include <memory>
#include <optional>
#include <string>

#include "valley/algorithms/hierarchy.h"
#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"
#include "valley/algorithms/streaming.h"

namespace valley {

struct DiLoCoOptions {
  PeriodSpec period = {};
  std::optional<double> outer_lr = {};        ///< alpha; 0.7 unless given
  std::optional<double> outer_momentum = {};  ///< mu; 0.9 unless given
  int64_t outer_restart = 0;                  ///< S, rounds; 0: never
  std::string compress_rounds = "none";       ///< see known_replicas.h
  Streaming streaming = {};
  std::string wire = "none";  ///< see docs/algorithms.md, "On the wire"
  Hierarchy hierarchy = {};
  OptimizerState optimizer_state = OptimizerState::kLocal;
};

template <typename V>
void visit(DiLoCoOptions& o, V& v) {
  v(kPeriod, o.period);
  v(kOuterLr, o.outer_lr);
  v(kOuterMomentum, o.outer_momentum);
  v(kOuterRestart, o.outer_restart);
  v(kCompressRounds, o.compress_rounds);
  visit(o.streaming, v);
  v(kWire, o.wire);
  visit(o.hierarchy, v);
  v(kOptimizerState, o.optimizer_state);
}

/// DiLoCo: local training with a Nesterov step over every round.
///
///     v <- mu v + (x_0 - x_A)                   x_0 where the round began
///     x <- x_0 - alpha (x_0 - x_A + mu v)       on all workers
///
/// alpha is the outer learning rate (0.7 unless given), mu the outer momentum (0.9 unless given).
/// alpha = 1 and mu = 0 is local-sgd bit for bit. With an outer restart S, v is 0 again at the
/// beginning of rounds S, 2 S, .. The authors train locally with AdamW and
/// rounds of hundreds of steps.
///
/// Cost of a round: one all-reduce of d values. State: the clock, x_0 and v.
///
/// Reference: Douillard et al., "DiLoCo: Distributed Low-Communication Training of Language
/// Models", 2023, arXiv:2311.08105; the restarts are those of arXiv:2605.28585.
///
/// @throws UsageError if the outer learning rate is not above 0 or the momentum not in [0, 1).
std::unique_ptr<Algorithm> make_diloco(const DiLoCoOptions&, const AlgorithmContext&);

}  // namespace valley
