#include "valley/algorithms/round_parts.h"

#include <ATen/ops/empty_like.h>

namespace valley {

void sum_rows(const at::Tensor& all, at::Tensor& sum) {
  if (!sum.defined()) sum = at::empty_like(all[0]);
  sum.copy_(all[0]);
  for (int64_t m = 1; m < all.size(0); ++m) sum.add_(all[m]);
}

PendingRound MeanOfAll::meet(Communicator& comm, const at::Tensor& x) {
  if (!sum_.defined() || sum_.numel() != x.numel() || sum_.dtype() != x.dtype()) {
    sum_ = at::empty_like(x);
  }
  const SquaredNorms norms = comm.all_reduce_sum_norms(x, sum_);
  return {.sum = sum_, .workers = comm.size(), .norms = norms, .again = &comm};
}

PendingRound MeanOfAll::among(Communicator& comm, const at::Tensor& all) {
  sum_rows(all, sum_);
  return {.sum = sum_, .workers = comm.size()};
}

}  // namespace valley
