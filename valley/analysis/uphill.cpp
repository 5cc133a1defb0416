#include "valley/analysis/uphill.h"

#include <ATen/ops/add.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "valley/analysis/crossing.h"
#include "valley/analysis/length.h"
#include "valley/core/error.h"

namespace valley {
namespace {

double checked_length(const at::Tensor& gradient) {
  const double norm = length(gradient);
  require(std::isfinite(norm) && norm > 0, "the gradient has no direction, its length is {}", norm);
  return norm;
}

}  // namespace

std::optional<double> epsilon_sharpness(const LossFunction& loss, const at::Tensor& x,
                                        const LossGradient& at, double rise) {
  const c10::NoGradGuard no_grad;
  const double length = checked_length(at.gradient);
  const auto distance = first_crossing(
      [&](double t) { return loss(at::add(x, at.gradient, t / length)) - at.loss >= rise; }, {});
  if (!distance) return std::nullopt;
  return 1 / *distance;
}

SamSharpness sam_sharpness(const GradientFunction& gradient, const at::Tensor& x,
                           const LossGradient& at, const SamSearch& options) {
  require(std::isfinite(options.rho) && options.rho > 0, "rho must be greater than 0, got {}",
          options.rho);
  require(options.steps >= 1, "steps must be at least 1, got {}", options.steps);
  const c10::NoGradGuard no_grad;
  SamSharpness result{.rise = -std::numeric_limits<double>::infinity()};
  at::Tensor direction = at.gradient;
  for (int64_t k = 0; k < options.steps; ++k) {
    const double scale = options.rho / checked_length(direction);
    const LossGradient there = gradient(at::add(x, direction, scale));
    const double rise = there.loss - at.loss;
    require(std::isfinite(rise), "the loss is {} at distance {}", there.loss, options.rho);
    if (k == 0) result.one_step = rise;
    result.rise = std::max(result.rise, rise);
    direction = there.gradient;
  }
  return result;
}

}  // namespace valley
