// How the workers weigh, and their meeting where every worker has the vectors of all.
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include <numeric>

#include "valley/algorithms/weighted_mean.h"

namespace valley {

std::vector<double> WeightedMean::weights(int64_t d, std::vector<LayerRange>& groups) {
  std::vector<double> norms = layer_norms_();
  groups = layers_;
  if (groups.empty()) {
    groups = {{0, d}};
    norms = {std::accumulate(norms.begin(), norms.end(), 0.0)};
  }
  return weights_.next(norms);
}

PendingRound WeightedMean::among(Communicator& comm, const at::Tensor& all, int64_t) {
  std::vector<LayerRange> groups;
  const std::vector<double> own = weights(all.size(1), groups);
  const at::Tensor mine = at::tensor(own, at::kDouble).to(all.options());
  const at::Tensor every = comm.all_gather(mine);  // [M, groups]
  at::Tensor center = at::empty({all.size(1)}, all.options()), sum;
  for (size_t l = 0; l < groups.size(); ++l) {
    const auto& [offset, size, rows] = groups[l];
    const at::Tensor weights = every.select(1, int64_t(l));  // [M]
    at::Tensor part = center.narrow(0, offset, size).zero_();
    for (int64_t m = 0; m < all.size(0); ++m) {
      part.add_(all[m].narrow(0, offset, size).mul(weights[m]));
    }
    part.div_(weights.sum());
  }
  if (with_sum_) sum_rows(all, sum);
  return {.sum = sum, .center = center, .workers = comm.size()};
}

}  // namespace valley
