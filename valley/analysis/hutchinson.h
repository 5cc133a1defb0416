#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "valley/analysis/estimate.h"
#include "valley/analysis/lanczos.h"

namespace valley {

struct HutchinsonOptions {
  int64_t draws = 20;
  int64_t together = 8;  ///< vectors multiplied at once; more memory, less time
  uint64_t seed = 0;
};

struct HessianMoments {
  Estimate trace;      ///< sum of the eigenvalues
  Estimate frobenius;  ///< root of the sum of their squares
};

/// Two figures of a symmetric operator A [d, d] from the same random signs v:
///
///     trace     = E v^T A v
///     frobenius = sqrt(E ||A v||^2)
///
/// True for any v whose entries are independent with mean 0 and variance 1; of these, signs give
/// the trace the smallest variance, 2 sum_{i != j} A_ij^2. The standard error of the root is that
/// of the mean divided by 2 frobenius.
///
/// Cost: `draws` products. Memory: 2 * together * d values.
///
/// Reference: Hutchinson, "A stochastic estimator of the trace of the influence matrix for
/// Laplacian smoothing splines", Communications in Statistics 19(2), 1990.
HessianMoments hutchinson(const SymmetricProducts& products, const at::Tensor& like,
                          const HutchinsonOptions& options);

}  // namespace valley
