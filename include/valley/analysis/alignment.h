#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "valley/analysis/estimate.h"
#include "valley/analysis/lanczos.h"

namespace valley {

/// The largest eigenvalues of a symmetric operator, descending, and their eigenvectors.
struct SharpDirections {
  std::vector<double> values;     ///< [k]
  std::vector<double> residuals;  ///< [k] ||H u - value u||: an eigenvalue is this close
  at::Tensor vectors;             ///< U [k, d], rows of length 1
};

/// By `steps` steps of Lanczos from `start`, at least 2 k of them where the dimension allows.
/// Memory: (steps + 1 + k) d values.
SharpDirections sharp_directions(const SymmetricProducts& products, const at::Tensor& start,
                                 int64_t steps, int64_t k);

/// Where the workers' gaps d_m = x_m - x_A point, beside the k sharpest directions U of the loss:
///
///     share(v) = ||U v||^2 / ||v||^2        that of v in the span of U
///     bend(v)  = v^T H v / ||v||^2          the curvature along v
///
/// A random v has share k / d and bend trace(H) / d in the mean: what any direction has. The two
/// say different things: a gap may lie less in the span of few and bend more all the same.
struct Alignment {
  SharpDirections sharp = {};
  std::vector<double> of_workers = {};  ///< share(d_m); no number where a worker is at x_A
  double of_gradient = 0;               ///< share(g); no number where g is 0
  Estimate of_random = {};
  double expected = 0;                       ///< k / d
  std::vector<double> bend_of_workers = {};  ///< bend(d_m)
  Estimate bend_of_random = {};
  double penalty = 0;  ///< mean_m d_m^T H d_m
};

/// Cost: a product for every gap and for every one of the `draws` random directions.
/// Reference for the question: arXiv:2602.02899 and arXiv:2605.27739; the figures are ours.
Alignment alignment(const SymmetricProducts& products, SharpDirections sharp,
                    const std::vector<at::Tensor>& gaps, const at::Tensor& gradient, int64_t draws,
                    uint64_t seed);

}  // namespace valley
