#pragma once

#include <cstdint>
#include <memory>

#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

struct SsgdNoiseOptions {
  double noise = 0.1;  ///< s_0
  int64_t bucket_bytes = 4 << 20;
};

template <typename V>
void visit(SsgdNoiseOptions& o, V& v) {
  v("noise", o.noise, at_least(0), "deviation of the noise in every parameter");
  v(kBucketBytes, o.bucket_bytes);
}

/// SSGD*: synchronous SGD whose gradients are taken at points with isotropic noise, to tell what
/// decentralised SGD gains by its noise as such from what it gains by the noise being shaped by
/// the landscape.
///
///     g_j taken at x + e_j,   e_j ~ N(0, s_0^2 I), fresh in every step and worker
///     x <- x - alpha (1/M) sum_j g_j
///
/// s_0 is --noise, a distance in every single parameter; compare at the same weight variance
/// s_0^2 d = sigma_w^2. 0 is ssgd bit for bit. The noise follows from (seed, worker, step). A
/// worker alone adds it too.
///
/// Cost of a step: all-reduces of d values together, in ssgd's buckets. Memory: d. State: the
/// number of steps.
///
/// Reference: Zhang et al., arXiv:2112.01433, compare with such a method; fresh noise in every step
/// is our reading.
///
/// @throws UsageError if s_0 is negative or no number.
std::unique_ptr<Algorithm> make_ssgd_noise(const SsgdNoiseOptions&, const AlgorithmContext&);

}  // namespace valley
