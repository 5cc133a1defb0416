#pragma once

#include <cstdint>
#include <memory>

#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

struct SsgdOptions {
  int64_t bucket_bytes = 4 << 20;
};

template <typename V>
void visit(SsgdOptions& o, V& v) {
  v(kBucketBytes, o.bucket_bytes);
}

/// Synchronous data-parallel SGD: the mean gradient of all workers in every step.
///
///     g <- (1/M) sum_m g_m
///
/// The gradient travels in buckets while backward still works on the rest, see gradient_buckets.h.
///
/// Cost of a round (= a step): all-reduces of d values together. State: the number of steps.
///
/// Reference: see gradient_buckets.h.
std::unique_ptr<Algorithm> make_ssgd(const SsgdOptions&, const AlgorithmContext&);

}  // namespace valley
