#pragma once

#include <memory>

#include "valley/algorithms/registry.h"

namespace valley {

/// DPPF: local steps, and every tau steps the pull-push round (pull_push.h), with the push
/// strength following a schedule over the run.
///
/// lambda = 0 is its base method, averaging with strength alpha, bit for bit; alpha = 1 as well is
/// local-sgd.
///
/// Cost of a round: one all-reduce of d values (push variant exact: two). State: the clock.
///
/// Reference: see pull_push.h.
std::unique_ptr<Algorithm> make_dppf(const AlgorithmOptions&, const AlgorithmContext&);

}  // namespace valley
