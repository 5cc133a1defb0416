#include "valley/analysis/mean_valley.h"

#include <ATen/ops/add.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/sub.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "valley/core/error.h"

namespace valley {
namespace {

// Accumulated in double without a copy in double.
double length(const at::Tensor& x) {
  return at::linalg_vector_norm(x, 2, c10::nullopt, false, at::kDouble).item<double>();
}

void check(const MeanValleyOptions& o) {
  require(std::isfinite(o.kappa) && o.kappa > 1, "kappa must be greater than 1, got {}", o.kappa);
  require(std::isfinite(o.step) && o.step > 0, "step must be greater than 0, got {}", o.step);
  require(0 < o.tolerance && o.tolerance < 1, "tolerance must be in (0, 1), got {}", o.tolerance);
  require(std::isfinite(o.cap) && o.cap >= o.step, "cap must be at least the step, {}, got {}",
          o.step, o.cap);
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

// The unit vector from the average to a worker.
at::Tensor direction(const at::Tensor& average, const std::vector<at::Tensor>& workers, size_t m) {
  at::Tensor delta = at::sub(workers[m], average);
  const double distance = length(delta);
  const double epsilon = average.scalar_type() == at::kDouble
                             ? std::numeric_limits<double>::epsilon()
                             : std::numeric_limits<float>::epsilon();
  // As for the push (pull_push.h): this close, the direction is rounding error of the mean.
  const double rounding =
      std::max<double>(8, double(workers.size())) * epsilon * length(workers[m]);
  require(distance > rounding, "worker {} sits on the average: it has no direction", m);
  return delta.div_(distance);
}

}  // namespace

bool MeanValley::all_crossed() const {
  return std::all_of(distances.begin(), distances.end(), [](const auto& t) { return !!t; });
}

MeanValley mean_valley(const std::function<double(const at::Tensor&)>& loss,
                       const at::Tensor& average, const std::vector<at::Tensor>& workers,
                       const MeanValleyOptions& options) {
  check(options);
  check(average, workers);
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

  for (size_t m = 0; m < workers.size(); ++m) {
    const at::Tensor delta = direction(average, workers, m);
    const auto crossed = [&](double t) {
      const double value = loss_at(at::add(average, delta, t));
      require(std::isfinite(value), "the loss is {} at distance {} towards worker {}", value, t, m);
      return value >= wall;
    };

    std::optional<double> found;
    if (options.search == ValleySearch::kStep) {
      for (int64_t k = 1; !found && double(k) * options.step <= options.cap; ++k) {
        if (crossed(double(k) * options.step)) found = double(k) * options.step;
      }
    } else {
      double inside = 0, outside = options.step;  // the wall is between them
      bool bracketed = crossed(outside);
      while (!bracketed && outside < options.cap) {
        inside = outside;
        outside = std::min(2 * outside, options.cap);
        bracketed = crossed(outside);
      }
      if (bracketed) {
        while (outside - inside > options.tolerance * outside) {
          const double middle = inside + (outside - inside) / 2;
          if (middle <= inside || middle >= outside) break;  // no number between them
          (crossed(middle) ? outside : inside) = middle;
        }
        found = inside + (outside - inside) / 2;
      }
    }
    valley.mean += found.value_or(options.cap) / double(workers.size());
    valley.distances.push_back(found);
  }
  valley.inverse = 1 / valley.mean;
  return valley;
}

}  // namespace valley
