#include "valley/analysis/minimum.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/sub.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "valley/analysis/length.h"
#include "valley/core/error.h"

namespace valley {

MinimumData minimum_of(Objective& objective, const at::Tensor& average,
                       const std::vector<at::Tensor>& workers, const at::Tensor& initial,
                       const at::Tensor& scale) {
  MinimumData data;
  data.examples = objective.examples();
  if (!scale.defined()) {
    data.scores = [&objective](const at::Tensor& x) { return objective.scores(x); };
    data.gradient = [&objective](const at::Tensor& x) { return objective.gradient(x); };
    data.products = [&objective, average](const std::vector<at::Tensor>& vs) {
      return objective.hessian_products(average, vs);
    };
    data.average = average;
    data.workers = workers;
    data.initial = initial;
    return data;
  }
  data.scores = [&objective, scale](const at::Tensor& y) { return objective.scores(scale * y); };
  data.gradient = [&objective, scale](const at::Tensor& y) {
    LossGradient at = objective.gradient(scale * y);
    at.gradient.mul_(scale);
    return at;
  };
  data.products = [&objective, average, scale](const std::vector<at::Tensor>& vs) {
    std::vector<at::Tensor> scaled;
    for (const at::Tensor& v : vs) scaled.push_back(scale * v);
    auto products = objective.hessian_products(average, scaled);
    for (at::Tensor& product : products) product.mul_(scale);
    return products;
  };
  data.average = average / scale;
  for (const at::Tensor& worker : workers) data.workers.push_back(worker / scale);
  if (initial.defined()) data.initial = initial / scale;
  return data;
}

Minimum::Minimum(MinimumData data, MeasureOptions options)
    : data_(std::move(data)), options_(options) {
  check(options_);
}

LossFunction Minimum::loss_function() const {
  return [this](const at::Tensor& x) { return loss(x); };
}

double Minimum::valley_width() const {
  double sum = 0;
  for (const at::Tensor& worker : data_.workers) {
    sum += length(at::sub(worker, data_.average));
  }
  return data_.workers.empty() ? 0 : sum / static_cast<double>(data_.workers.size());
}

const PointScores& Minimum::at_average() {
  if (!at_average_) at_average_ = data_.scores(data_.average);
  return *at_average_;
}

const LossGradient& Minimum::gradient() {
  if (!gradient_) gradient_ = data_.gradient(data_.average);
  return *gradient_;
}

const std::vector<double>& Minimum::noisy_losses() {
  if (!noisy_losses_) {
    noisy_losses_ = losses_around(loss_function(), data_.average, options_.sigma, options_.draws,
                                  options_.seed);
  }
  return *noisy_losses_;
}

const MeanValley& Minimum::valley() {
  if (!valley_)
    valley_ = mean_valley(loss_function(), data_.average, data_.workers, options_.valley);
  return *valley_;
}

const HessianMoments& Minimum::moments() {
  if (!moments_) {
    moments_ =
        hutchinson(data_.products, data_.average,
                   {.draws = options_.draws, .together = together(8), .seed = options_.seed});
  }
  return *moments_;
}

int64_t Minimum::together(int64_t wanted) const {
  // A vector, its product, and the double sums of each thread.
  constexpr int64_t kCopies = 8;
  const int64_t bytes = kCopies * static_cast<int64_t>(data_.average.nbytes());
  return std::clamp<int64_t>(options_.bytes / 4 / std::max<int64_t>(bytes, 1), 1, wanted);
}

}  // namespace valley
