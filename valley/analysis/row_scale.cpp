#include "valley/analysis/row_scale.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/where.h>
#include <c10/core/GradMode.h>

namespace valley {
namespace {

// The rows of a parameter, [rows, values].
at::Tensor rows(const at::Tensor& x, const NamedRange& range) {
  const int64_t count = range.shape.size() >= 2 ? range.shape[0] : 1;
  return x.narrow(0, range.offset, range.size).view({count, -1});
}

}  // namespace

at::Tensor row_scale(const at::Tensor& x, const std::vector<NamedRange>& ranges) {
  const c10::NoGradGuard no_grad;
  at::Tensor scale = at::ones_like(x);
  for (const NamedRange& range : ranges) {
    if (range.size == 0) continue;
    const at::Tensor norms = at::linalg_vector_norm(rows(x, range), 2, 1, true);  // [rows, 1]
    at::Tensor target = rows(scale, range);
    target.copy_(at::where(norms > 0, norms, at::ones_like(norms)).expand_as(target));
  }
  return scale;
}

}  // namespace valley
