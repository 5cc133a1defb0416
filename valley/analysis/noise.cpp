#include "valley/analysis/noise.h"

#include <ATen/ops/add.h>
#include <ATen/ops/sub.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "valley/analysis/draws.h"
#include "valley/core/error.h"
#include "valley/core/random.h"

namespace valley {

std::vector<double> losses_around(const LossFunction& loss, const at::Tensor& x, double sigma,
                                  int64_t draws, uint64_t seed) {
  require(draws >= 1, "draws must be at least 1, got {}", draws);
  const c10::NoGradGuard no_grad;
  std::vector<double> losses;
  for (int64_t k = 0; k < draws; ++k) {
    losses.push_back(loss(at::add(x, draw_normals(x, seed, "noise", k), sigma)));
    require(std::isfinite(losses.back()), "the loss is {} under noise of deviation {}",
            losses.back(), sigma);
  }
  return losses;
}

Estimate low_pass(const std::vector<double>& losses) { return mean_estimate(losses); }

Estimate local_entropy(const std::vector<double>& losses) {
  const double least = *std::min_element(losses.begin(), losses.end());
  std::vector<double> shares;  // of exp(-least), which alone may be too small for a double
  for (const double loss : losses) shares.push_back(std::exp(least - loss));
  const Estimate mean = mean_estimate(shares);
  return transformed(mean, std::log(mean.value) - least, 1 / mean.value);
}

Estimate average_direction(const LossFunction& loss, const at::Tensor& average,
                           const std::vector<at::Tensor>& workers, double loss_at_average,
                           int64_t draws, uint64_t seed) {
  require(workers.size() >= 2, "the workers' directions need at least two workers, got {}",
          workers.size());
  require(draws >= 1, "draws must be at least 1, got {}", draws);
  const c10::NoGradGuard no_grad;
  const double root = std::sqrt(static_cast<double>(workers.size()));
  std::vector<double> rises;
  for (int64_t k = 0; k < draws; ++k) {
    Random random(derive_seed(seed, k, "average-direction"));
    at::Tensor x = average.clone();
    for (const at::Tensor& worker : workers) {
      const double xi = random.normal() / root;
      x.add_(at::sub(worker, average), xi);
    }
    rises.push_back(loss(x) - loss_at_average);
    require(std::isfinite(rises.back()), "the loss is not finite between the workers");
  }
  return mean_estimate(rises);
}

}  // namespace valley
