#include "valley/optim/sam.h"

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

at::Tensor uphill(const SamOptions& options, const at::Tensor& x, const at::Tensor& g) {
  at::Tensor e = g;
  double norm = 0;
  if (options.adaptive) {
    const at::Tensor size = x.abs().add_(kSmallestSize);
    e = g.mul(size);
    norm = e.norm().item<double>();
    e.mul_(size);
  } else {
    norm = g.norm().item<double>();
  }
  return norm > 0 ? x.add(e, options.rho / norm) : x.clone();
}

}  // namespace valley
