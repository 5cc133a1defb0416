#include "valley/analysis/effective_rate.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/dot.h>
#include <ATen/ops/sub.h>

#include <cmath>

#include "valley/core/error.h"

namespace valley {
namespace {

double product(const at::Tensor& a, const at::Tensor& b) { return at::dot(a, b).item<double>(); }

}  // namespace

StepParts step_parts(const at::Tensor& gradient, const at::Tensor& at_average,
                     const at::Tensor& at_learners) {
  const at::Tensor g = gradient.to(at::kDouble), center = at_average.to(at::kDouble);
  const double square = product(g, g);
  require(std::isfinite(square) && square > 0,
          "the gradient at the average has length {}: no rate along it", std::sqrt(square));
  const at::Tensor batch = at::sub(center, g);                             // zeta_S
  const at::Tensor spread = at::sub(at_learners.to(at::kDouble), center);  // zeta_2
  const double batch_along = product(batch, g) / square, spread_along = product(spread, g) / square;
  const at::Tensor batch_across = at::sub(batch, g, batch_along);
  const at::Tensor spread_across = at::sub(spread, g, spread_along);
  StepParts parts{.rate = 1 + batch_along + spread_along,
                  .spread_rate = 1 + spread_along,
                  .batch_square = product(batch, batch),
                  .spread_square = product(spread, spread),
                  .batch_noise = product(batch_across, batch_across),
                  .spread_noise = product(spread_across, spread_across),
                  .joint_noise = 2 * product(batch_across, spread_across)};
  parts.noise = parts.batch_noise + parts.spread_noise + parts.joint_noise;
  return parts;
}

EffectiveRate effective_rate(const std::vector<StepParts>& steps) {
  const auto mean = [&](double StepParts::*part) {
    std::vector<double> values;
    for (const StepParts& step : steps) values.push_back(step.*part);
    return mean_estimate(values);
  };
  return {.rate = mean(&StepParts::rate),
          .spread_rate = mean(&StepParts::spread_rate),
          .noise = mean(&StepParts::noise),
          .batch_square = mean(&StepParts::batch_square),
          .spread_square = mean(&StepParts::spread_square),
          .batch_noise = mean(&StepParts::batch_noise),
          .spread_noise = mean(&StepParts::spread_noise),
          .joint_noise = mean(&StepParts::joint_noise)};
}

}  // namespace valley
