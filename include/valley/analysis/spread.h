#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace valley {

/// How far workers are from their average x_A, and in which directions: d_m = x_m - x_A.
struct WorkerSpread {
  std::vector<double> distances;  ///< [M] r_m = ||d_m||
  /// [M][M] degrees between d_j and d_k. No number where a worker is at x_A (to the rounding of
  /// float32 weights, 1e-6 ||x_A||): it has no direction.
  std::vector<std::vector<double>> angles;
  double variance = 0;  ///< sigma_w^2 = trace((1/M) sum_m d_m d_m^T) = mean_m r_m^2

  bool has_direction(size_t worker) const;  ///< it is away from x_A
  bool has_directions() const;              ///< some worker is
};

/// Cost: M (M + 1) / 2 inner products of d values, in double. Memory: M d doubles.
/// @throws UsageError if there is no worker.
WorkerSpread spread_of_workers(const at::Tensor& average, const std::vector<at::Tensor>& workers);

/// The same from what workers know together that hold only their own weights: `products` [M, M]
/// double are d_j . d_k, `average_length` is ||x_A||.
WorkerSpread spread_of_products(const at::Tensor& products, double average_length);

/// d_m / r_m of the workers that have a direction, each [d].
std::vector<at::Tensor> directions_of(const WorkerSpread& spread, const at::Tensor& average,
                                      const std::vector<at::Tensor>& workers);

/// What pull and push together have of an energy:
///
///     V = sum_m [alpha / 2 r_m^2 - lambda r_m]
///
/// Each round without gradients lowers it, until every r_m = lambda / alpha.
double pull_push_potential(const std::vector<double>& distances, double alpha, double lambda);

/// The lowest value, at r_m = lambda / alpha: -M lambda^2 / (2 alpha); 0 without a pull.
double lowest_potential(int workers, double alpha, double lambda);

}  // namespace valley
