#include "valley/analysis/duality.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <cmath>

#include "valley/analysis/alignment.h"

namespace valley {
namespace {

double mean_of(const at::Tensor& values) { return values.mean().item<double>(); }

}  // namespace

DualDecomposition decompose(const DualPairs& pairs, const SharpDirections& sharp) {
  const c10::NoGradGuard no_grad;
  const at::Tensor y = pairs.outputs.to(at::kDouble), a = pairs.activities.to(at::kDouble);
  const at::Tensor dl = pairs.losses.to(at::kDouble);
  const at::Tensor size = a.pow(2).sum(1);               // ||a||^2 [n]
  const at::Tensor changed = y.pow(2).sum(1).div(size);  // ||dW||^2 [n]
  // g = dl dW / ||dW||^2; a pair that is the same for the layer has neither.
  const at::Tensor slope = at::where(changed > 0, dl / changed, at::zeros_like(dl));
  DualDecomposition result{.gap = mean_of(dl)};
  result.rest = result.gap;
  for (size_t n = 0; n < sharp.values.size(); ++n) {
    const at::Tensor u =
        sharp.vectors[static_cast<int64_t>(n)].to(at::kDouble).view({y.size(1), a.size(1)});
    const at::Tensor w = at::mm(y, u).mul(a).sum(1).div(size), g = w * slope;  // [n]
    DualDirection direction{.eigenvalue = sharp.values[n],
                            .residual = sharp.residuals[n],
                            .mean_w = mean_of(w),
                            .mean_g = mean_of(g)};
    const at::Tensor of_w = w - direction.mean_w, of_g = g - direction.mean_g;
    direction.sigma_w = std::sqrt(mean_of(of_w * of_w));
    direction.sigma_g = std::sqrt(mean_of(of_g * of_g));
    const double product = direction.sigma_w * direction.sigma_g;
    direction.correlation = product > 0 ? mean_of(of_w * of_g) / product : 0;
    result.rest -= direction.contribution();
    result.directions.push_back(direction);
  }
  return result;
}

}  // namespace valley
