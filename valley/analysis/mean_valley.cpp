#include "valley/analysis/mean_valley.h"

#include <ATen/ops/add.h>
#include <ATen/ops/sub.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "valley/analysis/draws.h"
#include "valley/analysis/length.h"
#include "valley/core/error.h"

namespace valley {
namespace {

CrossingOptions search_of(const MeanValleyOptions& o) {
  return {.search = o.search, .step = o.step, .tolerance = o.tolerance, .cap = o.cap};
}

void check(const MeanValleyOptions& o) {
  require(std::isfinite(o.kappa) && o.kappa > 1, "kappa must be greater than 1, got {}", o.kappa);
  check(search_of(o));
}

void check(const at::Tensor& average, const std::vector<at::Tensor>& workers) {
  require(workers.size() >= 2, "a valley needs at least two workers, got {}", workers.size());
  require(average.scalar_type() == at::kFloat || average.scalar_type() == at::kDouble,
          "the average must be float32 or float64, got {}", c10::toString(average.scalar_type()));
  for (size_t m = 0; m < workers.size(); ++m) {
    require(workers[m].sizes() == average.sizes(), "worker {} has {} values, the average {}", m,
            workers[m].numel(), average.numel());
    require(workers[m].scalar_type() == average.scalar_type(), "worker {} is {}, the average {}", m,
            c10::toString(workers[m].scalar_type()), c10::toString(average.scalar_type()));
  }
}

// As for the push (pull_push.h): this close, the direction is rounding error of the mean.
double rounding(const at::Tensor& worker, size_t workers) {
  const double epsilon = worker.scalar_type() == at::kDouble
                             ? std::numeric_limits<double>::epsilon()
                             : std::numeric_limits<float>::epsilon();
  return std::max<double>(8, static_cast<double>(workers)) * epsilon * length(worker);
}

// The unit vector from the average to a worker.
at::Tensor direction(const at::Tensor& average, const std::vector<at::Tensor>& workers, size_t m) {
  at::Tensor delta = at::sub(workers[m], average);
  const double distance = length(delta);
  require(distance > rounding(workers[m], workers.size()),
          "worker {} sits on the average: it has no direction", m);
  return delta.div_(distance);
}

// Along `count` unit vectors, each a `name` in errors.
MeanValley mean_valley_along(const std::function<double(const at::Tensor&)>& loss,
                             const at::Tensor& average, size_t count,
                             const std::function<at::Tensor(size_t)>& direction, const char* name,
                             const MeanValleyOptions& options) {
  const c10::NoGradGuard no_grad;
  MeanValley valley;
  const auto loss_at = [&](const at::Tensor& x) {
    ++valley.evaluations;
    return loss(x);
  };
  valley.loss = loss_at(average);
  require(std::isfinite(valley.loss) && valley.loss > 0,
          "the loss at the average must be positive and finite, got {}", valley.loss);
  const double wall = options.kappa * valley.loss;

  for (size_t m = 0; m < count; ++m) {
    const at::Tensor delta = direction(m);
    const auto crossed = [&](double t) {
      const double value = loss_at(at::add(average, delta, t));
      require(std::isfinite(value), "the loss is {} at distance {} towards {} {}", value, t, name,
              m);
      return value >= wall;
    };

    const std::optional<double> found = first_crossing(crossed, search_of(options));
    valley.mean += found.value_or(options.cap) / double(count);
    valley.distances.push_back(found);
  }
  valley.inverse = 1 / valley.mean;
  return valley;
}

}  // namespace

bool MeanValley::all_crossed() const {
  return std::all_of(distances.begin(), distances.end(), [](const auto& t) { return !!t; });
}

bool sits_on_average(const at::Tensor& average, const at::Tensor& worker, size_t workers) {
  return length(at::sub(worker, average)) <= rounding(worker, workers);
}

MeanValley mean_valley(const std::function<double(const at::Tensor&)>& loss,
                       const at::Tensor& average, const std::vector<at::Tensor>& workers,
                       const MeanValleyOptions& options) {
  check(options);
  check(average, workers);
  const c10::NoGradGuard no_grad;
  return mean_valley_along(
      loss, average, workers.size(), [&](size_t m) { return direction(average, workers, m); },
      "worker", options);
}

MeanValley mean_valley_along_random(const std::function<double(const at::Tensor&)>& loss,
                                    const at::Tensor& average, int64_t draws, uint64_t seed,
                                    const MeanValleyOptions& options) {
  check(options);
  require(draws >= 1, "draws must be at least 1, got {}", draws);
  const c10::NoGradGuard no_grad;
  const auto random = [&](size_t k) {
    at::Tensor u = draw_normals(average, seed, "mean-valley", static_cast<int64_t>(k));
    return u.div_(length(u));
  };
  return mean_valley_along(loss, average, static_cast<size_t>(draws), random, "direction", options);
}

}  // namespace valley
