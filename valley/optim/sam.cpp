#include "valley/optim/sam.h"

#include <ATen/ops/norm.h>
#include <ATen/ops/where.h>

#include <cmath>

#include "valley/core/fused_passes.h"

namespace valley {

namespace {
constexpr double kSmallestSize = 0.01;  // keeps parameters at 0 from standing still, ASAM's eta
}

at::Tensor uphill(const SamOptions& options, const at::Tensor& x, const at::Tensor& g) {
  at::Tensor e = g, norm;
  if (options.adaptive) {
    const at::Tensor size = x.abs().add_(kSmallestSize);
    e = g.mul(size);
    norm = e.norm();
    e.mul_(size);
  } else {
    norm = g.norm();
  }
  if (!x.is_cpu() || !fused_passes()) {  // nobody waits for the norm
    return x.add(e.mul(at::where(norm.gt(0), norm.reciprocal().mul(options.rho), 0.0)));
  }
  const double length = norm.item<double>();
  return length > 0 ? x.add(e, options.rho / length) : x.clone();
}

}  // namespace valley
