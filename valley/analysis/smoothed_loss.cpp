#include "valley/analysis/smoothed_loss.h"

#include <ATen/ops/add.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "valley/analysis/draws.h"
#include "valley/core/error.h"

namespace valley {

Directions in_turn(std::vector<at::Tensor> directions) {
  require(!directions.empty(), "there are no directions");
  return [directions = std::move(directions)](int64_t draw) {
    return directions[static_cast<size_t>(draw) % directions.size()];
  };
}

SmoothedLoss smoothed_loss(const LossFunction& loss, const at::Tensor& x,
                           const std::vector<Directions>& groups,
                           const SmoothedLossOptions& options) {
  const auto& [sigma, step, draws, seed] = options;
  require(std::isfinite(sigma) && sigma >= 0, "sigma must be at least 0, got {}", sigma);
  require(std::isfinite(step) && step > 0, "step must be above 0, got {}", step);
  require(draws >= 1, "draws must be at least 1, got {}", draws);
  const c10::NoGradGuard no_grad;
  const auto finite_loss = [&](const at::Tensor& y) {
    const double value = loss(y);
    require(std::isfinite(value), "the loss is {} under noise of deviation {}", value,
            options.sigma);
    return value;
  };

  std::vector<double> losses;
  std::vector<std::vector<double>> curvatures(groups.size());
  SmoothedLoss result;
  result.slopes.resize(groups.size());
  for (int64_t k = 0; k < draws; ++k) {
    const at::Tensor y = at::add(x, draw_normals(x, seed, "smoothed-loss", k), sigma);
    losses.push_back(finite_loss(y));
    for (size_t i = 0; i < groups.size(); ++i) {
      const at::Tensor u = groups[i](k);
      const double ahead = finite_loss(at::add(y, u, step));
      const double behind = finite_loss(at::add(y, u, -step));
      curvatures[i].push_back((ahead - 2 * losses.back() + behind) / (step * step));
      result.slopes[i] = std::max(result.slopes[i], std::abs(ahead - behind) / (2 * step));
    }
  }
  result.loss = mean_estimate(losses);
  for (const auto& values : curvatures) result.curvatures.push_back(mean_estimate(values));
  return result;
}

double smoothness_bound(double slope, double sigma) {
  return std::sqrt(2 / std::numbers::pi) * slope / sigma;
}

}  // namespace valley
