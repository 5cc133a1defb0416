#include "valley/optim/sam.h"

#include <ATen/ops/norm.h>

#include <cmath>

namespace valley {

namespace {
constexpr double kSmallestSize = 0.01;  // keeps parameters at 0 from standing still, ASAM's eta
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
