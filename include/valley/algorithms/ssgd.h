#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

struct SsgdOptions {
  int64_t bucket_bytes = 4 << 20;
  std::string wire = "none";  ///< see docs/algorithms.md, "On the wire"
};

template <typename V>
void visit(SsgdOptions& o, V& v) {
  v(kBucketBytes, o.bucket_bytes);
  v(kWire, o.wire);
}

/// Synchronous data-parallel SGD: the mean gradient of all workers in every step.
///
///     g <- (1/M) sum_m g_m
///
/// The gradient travels in buckets while backward still works on the rest, see gradient_buckets.h.
/// With a wire it is said by that, when all of it is there, and what is not said is said later
/// (mean_coder.h):
///
///     v_m <- e_m + g_m,   g <- the mean of what is said of the v_m,   e_m <- the rest of v_m
///
/// Cost of a round (= a step): all-reduces of d values together; with a wire what that costs.
/// State: the number of steps; with a wire e_m, d values, and what the coder remembers.
///
/// Reference: see gradient_buckets.h.
std::unique_ptr<Algorithm> make_ssgd(const SsgdOptions&, const AlgorithmContext&);

}  // namespace valley
