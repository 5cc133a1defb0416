#include "valley/analysis/critical.h"

#include <ATen/ops/dot.h>
#include <ATen/ops/sub.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <limits>

#include "valley/analysis/length.h"

namespace valley {
namespace {

constexpr double kFirstDistance = 0.01;
constexpr double kTolerance = 1e-3;  // relative

}  // namespace

CriticalStep critical_step(const LossFunction& loss, const at::Tensor& x, const LossGradient& at,
                           const at::Tensor& u, int64_t most) {
  const c10::NoGradGuard no_grad;
  const double slope = at::dot(at.gradient.to(at::kDouble), u.to(at::kDouble)).item<double>();
  CriticalStep result;
  if (!(slope > 0)) return result;
  double pays = 0, rises = std::numeric_limits<double>::infinity();
  result.eta = kFirstDistance / length(u);
  while (result.losses < most && !result.converged) {
    const double eta = result.eta, change = loss(at::sub(x, u, eta)) - at.loss;
    ++result.losses;
    (change <= 0 ? pays : rises) = eta;
    double next = slope * eta * eta / (change + slope * eta);  // of the parabola
    result.converged = std::abs(next - eta) <= kTolerance * eta;
    if (!result.converged && !(next > pays && next < rises)) {
      next = std::isinf(rises) ? 4 * eta : pays > 0 ? std::sqrt(pays * rises) : rises / 4;
    }
    result.eta = next;
  }
  return result;
}

}  // namespace valley
