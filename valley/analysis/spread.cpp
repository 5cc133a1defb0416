#include "valley/analysis/spread.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/sub.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "valley/analysis/length.h"
#include "valley/core/error.h"

namespace valley {

// The angle of a direction with itself is 0.
bool WorkerSpread::has_direction(size_t worker) const { return angles[worker][worker] == 0; }

bool WorkerSpread::has_directions() const {
  for (size_t m = 0; m < angles.size(); ++m) {
    if (has_direction(m)) return true;
  }
  return false;
}

WorkerSpread spread_of_workers(const at::Tensor& average, const std::vector<at::Tensor>& workers) {
  require(!workers.empty(), "there are no workers");
  std::vector<at::Tensor> away;
  for (const at::Tensor& x : workers) away.push_back(at::sub(x, average).to(at::kDouble));
  const at::Tensor d = at::stack(away);  // [M, d]
  away.clear();
  return spread_of_products(d.matmul(d.t()).contiguous(), length(average));
}

WorkerSpread spread_of_products(const at::Tensor& products, double average_length) {
  const at::Tensor here = products.cpu();
  const double* product = here.data_ptr<double>();
  const double rounding = 1e-6 * average_length;
  const auto count = static_cast<size_t>(products.size(0));
  WorkerSpread spread;
  for (size_t j = 0; j < count; ++j) {
    spread.distances.push_back(std::sqrt(product[j * count + j]));
    spread.variance += product[j * count + j] / static_cast<double>(count);
  }
  const auto angle = [&](size_t j, size_t k) {
    const double lengths = spread.distances[j] * spread.distances[k];
    if (std::min(spread.distances[j], spread.distances[k]) <= rounding)
      return std::numeric_limits<double>::quiet_NaN();
    if (j == k) return 0.0;
    return std::acos(std::clamp(product[j * count + k] / lengths, -1.0, 1.0)) * 180 /
           std::numbers::pi;
  };
  for (size_t j = 0; j < count; ++j) {
    spread.angles.emplace_back();
    for (size_t k = 0; k < count; ++k) spread.angles[j].push_back(angle(j, k));
  }
  return spread;
}

std::vector<at::Tensor> directions_of(const WorkerSpread& spread, const at::Tensor& average,
                                      const std::vector<at::Tensor>& workers) {
  std::vector<at::Tensor> directions;
  for (size_t m = 0; m < workers.size(); ++m) {
    if (!spread.has_direction(m)) continue;
    directions.push_back(at::sub(workers[m], average) / spread.distances[m]);
  }
  return directions;
}

double pull_push_potential(const std::vector<double>& distances, double alpha, double lambda) {
  double sum = 0;
  for (const double r : distances) sum += alpha / 2 * r * r - lambda * r;
  return sum;
}

double lowest_potential(int workers, double alpha, double lambda) {
  return alpha > 0 ? -workers * lambda * lambda / (2 * alpha) : 0;
}

}  // namespace valley
