#pragma once

#include <memory>

#include "valley/algorithms/registry.h"

namespace valley {

/// Synchronous data-parallel SGD: the mean gradient of all workers in every step.
///
///     g <- (1/M) sum_m g_m
///
/// The gradient travels in buckets of contiguous ranges of g, from its end to its start (the order
/// in which backward finishes them), each as soon as it is complete: communication overlaps with
/// the rest of backward. All workers start the buckets in the same order.
///
/// Cost of a round (= a step): all-reduces of d values together. State: the number of steps.
///
/// Reference: Li et al., "PyTorch Distributed: Experiences on Accelerating Data Parallel
/// Training", VLDB 2020, arXiv:2006.15704, for bucketing and overlap.
std::unique_ptr<Algorithm> make_ssgd(const AlgorithmOptions&, const AlgorithmContext&);

}  // namespace valley
