#include "valley/algorithms/weighted_mean.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mul.h>

#include <utility>

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

void WeightedMean::fill(const at::Tensor& x) {
  const int64_t d = x.numel();
  const std::vector<double> own = weights(d, groups_);
  const auto count = static_cast<int64_t>(groups_.size());
  if (!added_.defined()) added_ = at::empty({(with_sum_ ? 2 * d : d) + count}, x.options());
  at::Tensor center = added_.narrow(0, 0, d), totals = added_.narrow(0, d, count);
  for (int64_t l = 0; l < count; ++l) {
    const auto& [offset, size, rows] = groups_[static_cast<size_t>(l)];
    const double weight = own[static_cast<size_t>(l)];
    at::Tensor part = center.narrow(0, offset, size);
    at::mul_out(part, x.narrow(0, offset, size), at::Scalar(weight));
    totals.narrow(0, l, 1).fill_(weight);
  }
  if (with_sum_) added_.narrow(0, d + count, d).copy_(x);
}

PendingRound WeightedMean::brought(int64_t d, int workers) const {
  const auto count = static_cast<int64_t>(groups_.size());
  at::Tensor center = added_.narrow(0, 0, d), totals = added_.narrow(0, d, count);
  for (int64_t l = 0; l < count; ++l) {
    const auto& [offset, size, rows] = groups_[static_cast<size_t>(l)];
    center.narrow(0, offset, size).div_(totals.narrow(0, l, 1));
  }
  return {.sum = with_sum_ ? added_.narrow(0, d + count, d) : at::Tensor(),
          .center = center,
          .workers = workers};
}

PendingRound WeightedMean::meet(Communicator& comm, const at::Tensor& x, int64_t) {
  // Alone, a worker is its own mean; x / G * G would round it.
  if (comm.size() == 1) return {.sum = x.clone(), .center = x.clone()};
  fill(x);
  comm.all_reduce_sum(added_, added_);
  return brought(x.numel(), comm.size());
}

void WeightedMean::start(Communicator& comm, const at::Tensor& x, int64_t round) {
  if (comm.size() == 1) return Meeting::start(comm, x, round);
  fill(x);
  if (!sent_.defined()) sent_ = at::empty_like(x);
  sent_.copy_(x);
  workers_ = comm.size();
  work_ = comm.start_all_reduce_sum(added_, added_);
}

PendingRound WeightedMean::finish() {
  if (!work_) return Meeting::finish();
  std::exchange(work_, nullptr)->wait();
  PendingRound met = brought(sent_.numel(), workers_);
  met.sent = sent_;
  return met;
}

}  // namespace valley
