#pragma once

#include <memory>
#include <string>

#include "valley/algorithms/hierarchy.h"
#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"
#include "valley/algorithms/streaming.h"

namespace valley {

struct LocalSgdOptions {
  PeriodSpec period = {};
  std::string compress_rounds = "none";  ///< see known_replicas.h
  Streaming streaming = {};
  std::string wire = "none";  ///< see docs/algorithms.md, "On the wire"
  Hierarchy hierarchy = {};
  OptimizerState optimizer_state = OptimizerState::kLocal;
};

template <typename V>
void visit(LocalSgdOptions& o, V& v) {
  v(kPeriod, o.period);
  v(kCompressRounds, o.compress_rounds);
  visit(o.streaming, v);
  v(kWire, o.wire);
  visit(o.hierarchy, v);
  v(kOptimizerState, o.optimizer_state);
}

/// Local SGD: every worker trains on its own, and every tau steps all take the average.
///
///     x_m <- (1/M) sum_k x_k
///
/// With tau = 1 and plain SGD (momentum and weight decay included) it equals synchronous SGD.
/// Periods: constant, post-local (tau = 1 first) and qsr. The momentum of a worker's optimizer is
/// that of its own gradients, in the first phase of post-local too.
///
/// Cost of a round: one all-reduce of d values. State: the clock.
///
/// Reference: Stich, "Local SGD Converges Fast and Communicates Little", ICLR 2019,
/// arXiv:1805.09767.
std::unique_ptr<Algorithm> make_local_sgd(const LocalSgdOptions&, const AlgorithmContext&);

}  // namespace valley
