#include "valley/evaluation/batch_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "valley/core/error.h"
#include "valley/evaluation/deal.h"

namespace valley {
namespace {

// A running value much larger than any statistic, so that m is read off with little rounding.
constexpr double kProbe = 1 << 20;

struct Layer {
  NamedRange mean, var;
};

std::vector<Layer> find_layers(const std::vector<NamedRange>& ranges) {
  constexpr std::string_view kMean = "running_mean", kVar = "running_var";
  std::vector<Layer> layers;
  for (const auto& mean : ranges) {
    if (!mean.name.ends_with(kMean)) continue;
    const std::string prefix = mean.name.substr(0, mean.name.size() - kMean.size());
    for (const auto& var : ranges) {
      if (var.name == prefix + std::string(kVar)) layers.push_back({mean, var});
    }
  }
  return layers;
}

class Pass {
 public:
  Pass(Model& model, const FlatParameters& parameters) : model_(model), parameters_(parameters) {}

  // The running statistics after one forward pass that began with `start` in all of them.
  at::Tensor run(const at::Tensor& input, double start) {
    at::Tensor buffers = parameters_.buffers();
    buffers.fill_(start);
    // A layer with momentum=None averages over the batches counted so far; 0 makes its m 1.
    for (const auto& other : parameters_.other_buffers()) {
      if (other.name.ends_with("num_batches_tracked")) at::Tensor(other.tensor).zero_();
    }
    model_.forward(input);
    return buffers.to(at::kDouble);
  }

 private:
  Model& model_;
  const FlatParameters& parameters_;
};

}  // namespace

void reestimate_batch_norm(Model& model, const FlatParameters& parameters,
                           const std::shared_ptr<const Dataset>& train, Communicator& comm,
                           const EvaluationOptions& options) {
  const std::vector<Layer> layers = find_layers(parameters.buffer_ranges());
  if (layers.empty()) return;

  const c10::NoGradGuard no_grad;
  at::Tensor buffers = parameters.buffers();
  const at::Tensor before = buffers.clone();  // other buffers than running statistics stay
  std::vector<at::Tensor> counters;
  for (const auto& other : parameters.other_buffers()) counters.push_back(other.tensor.clone());

  model.train(true);
  Pass pass(model, parameters);
  const int64_t size = buffers.numel();
  at::Tensor sums = at::zeros({2 * size + 1}, at::kDouble);  // n mean, n (var + mean^2), n
  at::Tensor first = sums.narrow(0, 0, size), second = sums.narrow(0, size, size);
  at::Tensor count = sums.narrow(0, 2 * size, 1);
  at::Tensor momentum;
  deal_batches(train, *train, comm, options.batch_size, [&](const Batch& batch) {
    const at::Tensor from_zero = pass.run(batch.input, 0);
    if (!momentum.defined()) {
      momentum = 1 - (pass.run(batch.input, kProbe) - from_zero) / kProbe;
      for (const auto& layer : layers) {  // one m a layer: the mean over its channels is exacter
        for (const auto& range : {layer.mean, layer.var}) {
          at::Tensor part = momentum.narrow(0, range.offset, range.size);
          part.fill_(part.mean());
        }
      }
    }
    const at::Tensor statistics = from_zero / momentum;
    const double n = static_cast<double>(batch.target.size(0));
    for (const auto& [mean_range, var_range] : layers) {
      const at::Tensor mean = statistics.narrow(0, mean_range.offset, mean_range.size);
      const at::Tensor var = statistics.narrow(0, var_range.offset, var_range.size);
      first.narrow(0, mean_range.offset, mean_range.size).add_(mean, n);
      second.narrow(0, mean_range.offset, mean_range.size).add_(var + mean * mean, n);
    }
    count.add_(n);
  });
  comm.all_reduce_sum(sums, sums);

  buffers.copy_(before);
  for (size_t i = 0; i < counters.size(); ++i) {
    at::Tensor(parameters.other_buffers()[i].tensor).copy_(counters[i]);
  }
  for (const auto& [mean_range, var_range] : layers) {
    const at::Tensor mean = first.narrow(0, mean_range.offset, mean_range.size) / count;
    const at::Tensor square = second.narrow(0, mean_range.offset, mean_range.size) / count;
    buffers.narrow(0, mean_range.offset, mean_range.size).copy_(mean);
    buffers.narrow(0, var_range.offset, var_range.size).copy_(square - mean * mean);
  }
}

}  // namespace valley
