#pragma once

#include <memory>

#include "valley/algorithms/registry.h"

namespace valley {

/// Elastic Averaging SGD: local steps, and every tau steps workers and a centre z pull each other.
///
///     x_m <- x_m + alpha (z - x_m)                              alpha = beta / M, the old z
///                + lambda (x_m - x_A) / ||x_m - x_A||           the push of dppf, see consensus.h
///     z   <- (1 - beta) z + beta x_A                            x_A from before the round
///
/// beta is the moving rate. z begins where the workers begin; every worker keeps the same z, which
/// nobody sends, because it follows from x_A. Without a push sum_m x_m + z stays as it is. A worker
/// alone has nobody to agree with and just trains.
///
/// Cost of a round: one all-reduce of d values. Memory: 2 d. State: the clock and z.
///
/// Reference: Zhang, Choromanska and LeCun, "Deep learning with Elastic Averaging SGD", NeurIPS
/// 2015, arXiv:1412.6651, in its synchronous form. The push is ours to add.
///
/// @throws UsageError if beta is not in (0, 1].
std::unique_ptr<Algorithm> make_easgd(const AlgorithmOptions&, const AlgorithmContext&);

}  // namespace valley
