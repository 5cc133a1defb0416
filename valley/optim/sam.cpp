#include "valley/optim/sam.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/norm.h>

#include <cmath>

#include "valley/core/error.h"

namespace valley {

namespace {
constexpr double kSmallestSize = 0.01;  // keeps parameters at 0 from standing still, ASAM's eta
}

void check(const SamOptions& options) {
  require(options.rho >= 0 && std::isfinite(options.rho), "--sam must be at least 0, got {}",
          options.rho);
}

Sam::Sam(const SamOptions& options) : options_(options) { check(options); }

void Sam::climb(at::Tensor& x, const at::Tensor& g) {
  if (!before_.defined()) before_ = at::empty_like(x);
  before_.copy_(x);
  if (options_.adaptive) {
    const at::Tensor size = x.abs().add_(kSmallestSize);
    at::Tensor e = g.mul(size);
    const double norm = e.norm().item<double>();
    if (norm > 0) x.add_(e.mul_(size), options_.rho / norm);
  } else {
    const double norm = g.norm().item<double>();
    if (norm > 0) x.add_(g, options_.rho / norm);
  }
}

void Sam::come_back(at::Tensor& x) const { x.copy_(before_); }

}  // namespace valley
