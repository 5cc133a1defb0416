#include "valley/algorithms/grawa.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/mul.h>

#include <numeric>

#include "valley/core/error.h"

namespace valley {

Grawa::Grawa(const AlgorithmOptions& options, const AlgorithmContext& context, Groups groups,
             const std::string& name)
    : RoundsAlgorithm(options, context),
      schedule_(options.push_schedule),
      consensus_(options.pull_push),
      layer_norms_(context.layer_gradient_norms) {
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

void Grawa::begin(const at::Tensor&) { weights_.reset(); }

AlgorithmState Grawa::state() const {
  auto state = RoundsAlgorithm::state();
  state.emplace_back("norms", weights_.state());
  return state;
}

void Grawa::load_state(const AlgorithmState& state) {
  weights_.load_state(state, "norms");
  RoundsAlgorithm::load_state(state);
}

RoundReport Grawa::round(const StepInfo& info, at::Tensor& x) {
  const double factor = push_factor(schedule_, info.progress());
  // Alone, a worker is its own mean; x / G * G would round it.
  if (comm().size() == 1) return consensus_.round(x, x.clone(), x.clone(), 1, factor);

  const int64_t d = x.numel();
  std::vector<double> norms = layer_norms_();
  std::vector<LayerRange> groups = layers_;
  if (groups.empty()) {
    groups = {{0, d}};
    norms = {std::accumulate(norms.begin(), norms.end(), 0.0)};
  }
  const std::vector<double> weights = weights_.next(norms);
  const auto count = static_cast<int64_t>(groups.size());
  const bool pushes = consensus_.pushes();
  if (!sent_.defined()) sent_ = at::empty({(pushes ? 2 * d : d) + count}, x.options());
  at::Tensor center = sent_.narrow(0, 0, d), totals = sent_.narrow(0, d, count), sum;
  for (int64_t l = 0; l < count; ++l) {
    const auto& [offset, size] = groups[static_cast<size_t>(l)];
    const double weight = weights[static_cast<size_t>(l)];
    at::Tensor part = center.narrow(0, offset, size);
    at::mul_out(part, x.narrow(0, offset, size), at::Scalar(weight));
    totals.narrow(0, l, 1).fill_(weight);
  }
  if (pushes) {
    sum = sent_.narrow(0, d + count, d);
    sum.copy_(x);
  }
  comm().all_reduce_sum(sent_, sent_);
  for (int64_t l = 0; l < count; ++l) {
    const auto& [offset, size] = groups[static_cast<size_t>(l)];
    center.narrow(0, offset, size).div_(totals.narrow(0, l, 1));
  }
  return consensus_.round(x, center, sum, comm().size(), factor);
}

}  // namespace valley
