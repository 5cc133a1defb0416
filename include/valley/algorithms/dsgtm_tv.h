#pragma once

#include <memory>
#include <string>

#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

struct DsgtmTvOptions {
  std::string topology = "ring";
  double tracking_momentum = 0;  ///< beta
};

template <typename V>
void visit(DsgtmTvOptions& o, V& v) {
  v(kTopology, o.topology);
  v("tracking-momentum", o.tracking_momentum, in(0, 1).open_above(), "beta, in [0, 1)");
}

/// DSGTm-TV: gradient tracking with momentum over time-varying directed graphs. A(t) is
/// row-stochastic (a worker weighs what arrives), B(t) column-stochastic (it divides what it
/// sends), both uniform over the edges of the step and the worker itself.
///
///     x_i <- sum_j A_ij x_j - alpha y_i + beta (x_i - x_i_previous)
///     y_i <- sum_j B_ij y_j + g_i(new) - g_i(old)
///
/// beta is --tracking-momentum. It needs graphs that together connect everyone to everyone, not
/// doubly stochastic weights. The momentum is the heavy ball's; see tracking.h.
///
/// Cost of a step: 2 d values to every receiver (d in the first). State: the number of steps, y,
/// the last gradient, the last x.
///
/// Reference: the method of arXiv:2409.17189; worked from its recursion.
///
/// @throws UsageError if beta is not in [0, 1).
std::unique_ptr<Algorithm> make_dsgtm_tv(const DsgtmTvOptions&, const AlgorithmContext&);

}  // namespace valley
