#include "valley/analysis/pac_bayes.h"

#include <ATen/ops/sub.h>

#include <algorithm>
#include <cmath>

#include "valley/analysis/crossing.h"
#include "valley/analysis/length.h"
#include "valley/core/error.h"

namespace valley {
namespace {

constexpr double kCap = 1e4;  // no noise is larger

}  // namespace

std::optional<PacBayes> pac_bayes(const LossFunction& loss, const at::Tensor& x,
                                  const at::Tensor& initial, double loss_at_x, int64_t examples,
                                  const PacBayesOptions& options) {
  require(std::isfinite(options.rise) && options.rise > 0, "rise must be greater than 0, got {}",
          options.rise);
  const auto rise_at = [&](double sigma) {
    std::vector<double> rises;
    for (const double l : losses_around(loss, x, sigma, options.draws, options.seed)) {
      rises.push_back(l - loss_at_x);
    }
    return mean_estimate(rises);
  };
  // The rise grows about as sigma^2, so this converges in a few steps.
  double sigma = 0.01;
  Estimate rise = rise_at(sigma);
  const auto good = [&] { return std::abs(rise.value / options.rise - 1) < options.tolerance; };
  for (int k = 0; k < 15 && !good() && sigma < kCap; ++k) {
    sigma *= rise.value > 0 ? std::clamp(std::sqrt(options.rise / rise.value), 0.25, 4.0) : 4.0;
    rise = rise_at(sigma);
  }
  if (!good()) {  // a steep wall, say
    const auto found =
        first_crossing([&](double s) { return rise_at(s).value >= options.rise; },
                       {.step = 1e-3, .tolerance = options.tolerance / 2, .cap = kCap});
    if (!found) return std::nullopt;
    sigma = *found;
    rise = rise_at(sigma);
  }

  const double further = 1.1 * sigma;
  const double slope = (rise_at(further).value - rise.value) / (further - sigma);
  const double distance = length(at::sub(x, initial));
  const double value = distance * distance / (4 * sigma * sigma) +
                       std::log(2 * static_cast<double>(examples) / 1e-6);
  // d measure / d sigma, and d sigma = d rise / slope.
  const double by_sigma = -distance * distance / (2 * sigma * sigma * sigma);
  return PacBayes{.sigma = sigma,
                  .measure = transformed(rise, value, slope > 0 ? by_sigma / slope : 0)};
}

double valley_bound(double error, double radius, double distance, int64_t dimension,
                    int64_t examples, double delta) {
  require(radius > 0, "the radius must be greater than 0, got {}", radius);
  const double n = static_cast<double>(examples), d = static_cast<double>(dimension);
  const double kl = d / 2 * std::log1p(distance * distance / (radius * radius));
  return error + std::sqrt((kl + std::log(2 * std::sqrt(n) / delta)) / (2 * n));
}

}  // namespace valley
