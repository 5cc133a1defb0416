#include "valley/algorithms/weighted_mean.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/tensor.h>

#include <numeric>

#include "valley/core/error.h"

namespace valley {

WeightedMean::WeightedMean(const AlgorithmContext& context, Groups groups, const std::string& name,
                           bool with_sum)
    : layer_norms_(context.layer_gradient_norms), with_sum_(with_sum) {
  require(bool(layer_norms_),
          "{} needs a training loop that computes the norms of the layers' gradients "
          "(AlgorithmContext::layer_gradient_norms)",
          name);
  if (groups == Groups::kAll) return;
  layers_ = context.layers;
  require(!layers_.empty(),
          "{} needs a training loop that knows the layers "
          "(AlgorithmContext::layers)",
          name);
}

void WeightedMean::begin(const at::Tensor&) { weights_.reset(); }

void WeightedMean::append_to(AlgorithmState& state) const {
  state.emplace_back("norms", weights_.state());
}

void WeightedMean::load(const AlgorithmState& state) { weights_.load_state(state, "norms"); }

std::vector<double> WeightedMean::weights(int64_t d, std::vector<LayerRange>& groups) {
  std::vector<double> norms = layer_norms_();
  groups = layers_;
  if (groups.empty()) {
    groups = {{0, d}};
    norms = {std::accumulate(norms.begin(), norms.end(), 0.0)};
  }
  return weights_.next(norms);
}

PendingRound WeightedMean::meet(Communicator& comm, const at::Tensor& x, int64_t) {
  // Alone, a worker is its own mean; x / G * G would round it.
  if (comm.size() == 1) return {.sum = x.clone(), .center = x.clone()};
  const int64_t d = x.numel();
  std::vector<LayerRange> groups;
  const std::vector<double> own = weights(d, groups);
  const auto count = static_cast<int64_t>(groups.size());
  if (!sent_.defined()) sent_ = at::empty({(with_sum_ ? 2 * d : d) + count}, x.options());
  at::Tensor center = sent_.narrow(0, 0, d), totals = sent_.narrow(0, d, count), sum;
  for (int64_t l = 0; l < count; ++l) {
    const auto& [offset, size] = groups[static_cast<size_t>(l)];
    const double weight = own[static_cast<size_t>(l)];
    at::Tensor part = center.narrow(0, offset, size);
    at::mul_out(part, x.narrow(0, offset, size), at::Scalar(weight));
    totals.narrow(0, l, 1).fill_(weight);
  }
  if (with_sum_) {
    sum = sent_.narrow(0, d + count, d);
    sum.copy_(x);
  }
  comm.all_reduce_sum(sent_, sent_);
  for (int64_t l = 0; l < count; ++l) {
    const auto& [offset, size] = groups[static_cast<size_t>(l)];
    center.narrow(0, offset, size).div_(totals.narrow(0, l, 1));
  }
  return {.sum = sum, .center = center, .workers = comm.size()};
}

PendingRound WeightedMean::among(Communicator& comm, const at::Tensor& all, int64_t) {
  std::vector<LayerRange> groups;
  const std::vector<double> own = weights(all.size(1), groups);
  const at::Tensor mine = at::tensor(own, at::kDouble).to(all.options());
  const at::Tensor every = comm.all_gather(mine);  // [M, groups]
  at::Tensor center = at::empty({all.size(1)}, all.options()), sum;
  for (size_t l = 0; l < groups.size(); ++l) {
    const auto& [offset, size] = groups[l];
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
