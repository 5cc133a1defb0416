#include "valley/algorithms/operator_kernels.h"

#include <ATen/ops/div.h>
#include <ATen/ops/full.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/sub.h>

namespace valley::operators {
namespace {

// M on the device: by a number of the host some devices multiply with 1/M, which is rounded, and
// off in the same direction in every round.
at::Tensor divisor(const at::Tensor& sum, int workers) {
  return at::full({}, workers, sum.options());
}

}  // namespace

void lerp_to_mean_keep_direction(at::Tensor& x, at::Tensor& sum, int workers, double weight,
                                 double scale) {
  sum.div_(divisor(sum, workers)).neg_().add_(x);
  x.sub_(sum, weight);
  sum.mul_(scale);
}

void mix_into(at::Tensor& out, const at::Tensor& x, double own, const std::vector<double>& weights,
              const std::vector<at::Tensor>& others) {
  at::Tensor mixed = at::mul(x, own);
  for (size_t k = 0; k < weights.size(); ++k) mixed.add_(at::sub(others[k], x), weights[k]);
  out.copy_(mixed);
}

void meet_in_the_middle(at::Tensor& a, at::Tensor& b) { b.copy_(a.add_(b).div_(2)); }

}  // namespace valley::operators
