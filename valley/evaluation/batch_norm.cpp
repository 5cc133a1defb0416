#include "valley/evaluation/batch_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
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
  double momentum = 0;  // m: a pass turns the running value v into (1 - m) v + m s
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

  // The buffers after one forward pass that began with `start` in all running statistics of
  // `layers`. The other buffers take part in the pass with the values they have.
  at::Tensor run(const std::vector<Layer>& layers, const at::Tensor& input, double start) {
    at::Tensor buffers = parameters_.buffers();
    for (const auto& layer : layers) {
      for (const auto& range : {layer.mean, layer.var}) {
        buffers.narrow(0, range.offset, range.size).fill_(start);
      }
    }
    // A layer with momentum=None averages over the batches counted so far; 0 makes its m 1.
    for (const auto& other : parameters_.other_buffers()) {
      if (other.name.ends_with("num_batches_tracked")) at::Tensor(other.tensor).zero_();
    }
    model_.forward(input);
    return buffers.to(at::kDouble, /*non_blocking=*/false, /*copy=*/true);
  }

 private:
  Model& model_;
  const FlatParameters& parameters_;
};

// The reading is good to 1e-7, which is not good enough to divide by a small m. But a person writes
// a momentum with few digits, and then those are exact.
double nearest_short_number(double momentum) {
  constexpr double kDigits = 1e5;
  const double nearest = std::round(momentum * kDigits) / kDigits;
  return std::abs(nearest - momentum) < 2e-7 ? nearest : momentum;
}

// Reads off the momentum of every layer. Layers that keep their statistics (evaluated in eval mode
// for good, as in a trace) get them back and leave the list: the passes must not change them.
void find_momenta(Pass& pass, const FlatParameters& parameters, const at::Tensor& before,
                  const at::Tensor& input, std::vector<Layer>& layers) {
  at::Tensor buffers = parameters.buffers();
  size_t known = layers.size() + 1;
  while (layers.size() < known) {
    known = layers.size();
    const at::Tensor from_zero = pass.run(layers, input, 0);
    const at::Tensor momenta = 1 - (pass.run(layers, input, kProbe) - from_zero) / kProbe;
    std::erase_if(layers, [&](Layer& layer) {
      const double mean =
          momenta.narrow(0, layer.mean.offset, layer.mean.size).mean().item<double>();
      const double var = momenta.narrow(0, layer.var.offset, layer.var.size).mean().item<double>();
      layer.momentum = nearest_short_number((mean + var) / 2);
      return layer.momentum == 0;
    });
    if (layers.size() < known) buffers.copy_(before);
  }
}

}  // namespace

void reestimate_batch_norm(Model& model, const FlatParameters& parameters,
                           const std::shared_ptr<const Dataset>& train, Communicator& comm,
                           const EvaluationOptions& options) {
  std::vector<Layer> layers = find_layers(parameters.buffer_ranges());
  if (layers.empty()) return;

  const c10::NoGradGuard no_grad;
  at::Tensor buffers = parameters.buffers();
  const at::Tensor before = buffers.clone();  // other buffers than running statistics stay
  std::vector<at::Tensor> counters;
  for (const auto& other : parameters.other_buffers()) counters.push_back(other.tensor.clone());

  model.train(true);
  Pass pass(model, parameters);
  // On the first batch on every worker, so that all read the same, however many there are.
  find_momenta(pass, parameters, before,
               Loader(train, *train, Augmentation{}, 0, 0)
                   .range(0, std::min(train->size(), options.batch_size))
                   .input,
               layers);

  const int64_t size = buffers.numel();
  at::Tensor sums = at::zeros({2 * size + 1}, at::kDouble);  // n mean, n (var + mean^2), n
  at::Tensor first = sums.narrow(0, 0, size), second = sums.narrow(0, size, size);
  at::Tensor count = sums.narrow(0, 2 * size, 1);
  deal_batches(train, *train, comm, options.batch_size, [&](const Batch& batch) {
    const at::Tensor after = pass.run(layers, batch.input, 0);
    const double n = static_cast<double>(batch.target.size(0));
    for (const auto& [mean_range, var_range, momentum] : layers) {
      const at::Tensor mean = after.narrow(0, mean_range.offset, mean_range.size) / momentum;
      const at::Tensor var = after.narrow(0, var_range.offset, var_range.size) / momentum;
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
  for (const auto& [mean_range, var_range, momentum] : layers) {
    const at::Tensor mean = first.narrow(0, mean_range.offset, mean_range.size) / count;
    const at::Tensor square = second.narrow(0, mean_range.offset, mean_range.size) / count;
    buffers.narrow(0, mean_range.offset, mean_range.size).copy_(mean);
    buffers.narrow(0, var_range.offset, var_range.size).copy_(square - mean * mean);
  }
}

}  // namespace valley
