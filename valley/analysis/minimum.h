#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "valley/analysis/hutchinson.h"
#include "valley/analysis/lanczos.h"
#include "valley/analysis/mean_valley.h"
#include "valley/analysis/measure_options.h"
#include "valley/analysis/noise.h"
#include "valley/analysis/objective.h"
#include "valley/analysis/uphill.h"

namespace valley {

/// A minimum that a run found, as the measures see it: functions of flat vectors [d] and points.
struct MinimumData {
  std::function<PointScores(const at::Tensor&)> scores;
  GradientFunction gradient;
  SymmetricProducts products;       ///< with the Hessian at the average
  at::Tensor average;               ///< x_A
  std::vector<at::Tensor> workers;  ///< x_m
  at::Tensor initial;               ///< x_0; may be undefined
  int64_t examples = 0;
};

/// The minimum of an objective. With a `scale` s [d] every point is given as x / s (row_scale.h):
/// losses are those at s y, gradients s g, products s H (s v). `objective` must outlive it.
MinimumData minimum_of(Objective& objective, const at::Tensor& average,
                       const std::vector<at::Tensor>& workers, const at::Tensor& initial,
                       const at::Tensor& scale = {});

/// A minimum, and what several measures need, computed when first asked for.
class Minimum {
 public:
  /// @throws UsageError if an option is out of range.
  Minimum(MinimumData data, MeasureOptions options);

  const MinimumData& data() const { return data_; }
  const MeasureOptions& options() const { return options_; }
  double loss(const at::Tensor& x) const { return data_.scores(x).loss; }
  LossFunction loss_function() const;
  int64_t dimension() const { return data_.average.numel(); }
  double valley_width() const;  ///< mean_m ||x_m - x_A||

  const PointScores& at_average();
  const LossGradient& gradient();
  const std::vector<double>& noisy_losses();  ///< at deviation options().sigma
  const HessianMoments& moments();
  const MeanValley& valley();  ///< along the workers

  /// How many vectors to multiply at once, of `wanted`.
  int64_t together(int64_t wanted) const;

 private:
  MinimumData data_;
  MeasureOptions options_;
  std::optional<PointScores> at_average_;
  std::optional<LossGradient> gradient_;
  std::optional<std::vector<double>> noisy_losses_;
  std::optional<HessianMoments> moments_;
  std::optional<MeanValley> valley_;
};

}  // namespace valley
