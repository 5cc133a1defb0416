#include "valley/data/resample.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace valley {
namespace {

constexpr double kRolloff = 0.94, kZeros = 24, kBeta = 8.6;

// The modified Bessel function of the first kind and order 0, by its series.
double bessel(double x) {
  double term = 1, sum = 1;
  for (int k = 1; term > 1e-17 * sum; ++k) {
    term *= x * x / (4.0 * k * k);
    sum += term;
  }
  return sum;
}

double sinc(double x) {
  const double y = std::numbers::pi * x;
  return std::abs(y) < 1e-9 ? 1 : std::sin(y) / y;
}

double kaiser(double x) {
  return std::abs(x) >= 1 ? 0 : bessel(kBeta * std::sqrt(1 - x * x)) / bessel(kBeta);
}

}  // namespace

Resampler::Resampler(int64_t from, int64_t to) {
  const int64_t common = std::gcd(from, to);
  up_ = to / common;
  down_ = from / common;
  const double band = kRolloff * std::min(1.0, double(to) / double(from));
  const double half = kZeros / band;
  reach_ = static_cast<int64_t>(std::ceil(half));
  for (int64_t phase = 0; phase < up_; ++phase) {
    auto& weights = filter_.emplace_back(2 * reach_);
    const double place = double(phase) / double(up_);  // behind the sample floor(j from / to)
    for (int64_t k = 0; k < 2 * reach_; ++k) {
      const double t = place - double(k - reach_ + 1);
      weights[k] = sinc(band * t) * kaiser(t / half);
    }
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (double& weight : weights) weight /= sum;
  }
}

at::Tensor Resampler::operator()(const at::Tensor& samples) const {
  if (up_ == down_) return samples;
  const int64_t n = samples.numel(), size = (n * up_ + down_ - 1) / down_;
  const at::Tensor result = at::empty({size}, at::kFloat);
  const float* x = samples.data_ptr<float>();
  float* y = result.data_ptr<float>();
  for (int64_t j = 0; j < size; ++j) {
    const int64_t place = j * down_ / up_, phase = j * down_ % up_;
    const auto& weights = filter_[phase];
    const int64_t first = place - reach_ + 1;
    const int64_t begin = std::max<int64_t>(0, -first),
                  end = std::min<int64_t>(2 * reach_, n - first);
    double sum = 0;
    for (int64_t k = begin; k < end; ++k) sum += weights[k] * double(x[first + k]);
    y[j] = static_cast<float>(sum);
  }
  return result;
}

}  // namespace valley
