#pragma once

#include <memory>

#include "valley/algorithms/registry.h"

namespace valley {

/// Synchronous data-parallel SGD: the mean gradient of all workers in every step.
///
///     g <- (1/M) sum_m g_m
///
/// The gradient travels in buckets while backward still works on the rest, see gradient_buckets.h.
///
/// Cost of a round (= a step): all-reduces of d values together. State: the number of steps.
///
/// Reference: see gradient_buckets.h.
std::unique_ptr<Algorithm> make_ssgd(const AlgorithmOptions&, const AlgorithmContext&);

}  // namespace valley
