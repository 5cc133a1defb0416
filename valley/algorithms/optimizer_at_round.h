#pragma once

#include <functional>

#include "valley/algorithms/registry.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

/// What all workers together do with what their local optimizers remember, when a round has moved
/// them: nothing; forget it; or take the mean of all of it, m <- (1/M) sum_k m_k for every vector
/// [d] of momentum or moments. The number of an optimizer's steps (AdamW) is the same for all.
///
/// Cost of a mean: an all-reduce of these vectors, d values for momentum, 2 d for AdamW.
/// @throws UsageError if the context lacks what it needs.
std::function<void(Communicator&)> at_round(OptimizerState state, const AlgorithmContext& context);

}  // namespace valley
