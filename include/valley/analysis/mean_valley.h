#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "valley/analysis/measure_options.h"

namespace valley {

struct MeanValley {
  /// t_m by worker; none where the loss stayed below kappa L(x_A) up to the cap.
  std::vector<std::optional<double>> distances;
  double mean = 0;          ///< MV; who has not crossed counts with the cap: then a lower bound
  double inverse = 0;       ///< Inv.MV = 1 / MV; then an upper bound
  double loss = 0;          ///< L(x_A)
  int64_t evaluations = 0;  ///< how often the loss was computed

  bool all_crossed() const;
};

/// Inverse Mean Valley: how sharp the valley is in which the workers' average lies, probed along
/// the directions of the workers.
///
///     delta_m = (x_m - x_A) / ||x_m - x_A||
///     t_m     = inf { t >= 0 : L(x_A + t delta_m) >= kappa L(x_A) }
///     MV      = mean_m t_m,     Inv.MV = 1 / MV
///
/// `loss` is the training loss at a flat vector [d]; `average` is x_A and `workers` the x_m, all of
/// one size and dtype. For a quadratic L0 + x^T H x / 2 around x_A = 0,
/// t_m = sqrt(2 (kappa - 1) L0 / (delta^T H delta)).
///
/// Does not change with the unit of the loss (L -> c L), with the order of the workers, nor with
/// how far from the average they are: only their directions count.
///
/// It misleads
/// - where a constant is added to the loss: compare models at the same training loss only;
/// - where weights are rescaled without changing the function (ReLU layers, BatchNorm): t grows
///   with the weights;
/// - where the loss falls again behind a ridge: doubling can step over a first crossing, and the
///   next one is reported. kStep misses only ridges narrower than a step.
///
/// Cost in computations of the loss: 1, and for each worker about
/// |log2(t_m / step)| + log2(1 / tolerance) + 1 (kBisect) or t_m / step + 1 (kStep). Memory: 2 d.
///
/// @throws UsageError for fewer than two workers, sizes or dtypes that differ, a worker that
///     sits on the average up to rounding (it has no direction), an option out of range, a loss
///     at the average that is not positive, and a loss that is not finite anywhere it is asked for.
///
/// Reference: Dimlioglu and Choromanska, "Communication-Efficient Distributed Training for
/// Collaborative Flat Optima Recovery in Deep Learning", 2025, arXiv:2507.20424. The abstract
/// names the measure and says that it goes with the generalisation gap; the formula, kappa = 2 as
/// the default and both searches are our reading.
MeanValley mean_valley(const std::function<double(const at::Tensor&)>& loss,
                       const at::Tensor& average, const std::vector<at::Tensor>& workers,
                       const MeanValleyOptions& options = {});

/// The same along `draws` random directions, each uniform over the sphere, in place of the
/// workers'. On a quadratic in many dimensions t comes near sqrt(2 (kappa - 1) L0 d / trace(H)) in
/// each.
/// @throws UsageError as mean_valley(), and for fewer draws than one.
MeanValley mean_valley_along_random(const std::function<double(const at::Tensor&)>& loss,
                                    const at::Tensor& average, int64_t draws, uint64_t seed,
                                    const MeanValleyOptions& options = {});

/// Whether the worker is so close to the average that the way there is rounding error.
bool sits_on_average(const at::Tensor& average, const at::Tensor& worker, size_t workers);

}  // namespace valley
