#include "valley/evaluation/batch_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/record_function.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "valley/core/error.h"
#include "valley/evaluation/deal.h"
#include "valley/models/mixed_precision.h"
#include "valley/models/model_pass.h"

namespace valley {
namespace {

// A running value much larger than any statistic, so that m is read off with little rounding.
constexpr double kProbe = 1 << 20;

struct Layer {
  NamedRange mean, var;
  double momentum = 0;  // m: a pass turns the running value v into (1 - m) v + m s
  int64_t values = 0;   // a channel in the last pass; 0 where no batch_norm was seen
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

// While it lives, notes of every batch_norm of this thread how many values a channel it normalises
// and which running mean it updates. Neither a module nor its buffers tell, and a TorchScript model
// has no modules to ask.
class BatchNormCalls {
 public:
  BatchNormCalls() : handle_(at::addThreadLocalCallback(callback())) {
    values().clear();  // the thread's own, and nobody else's while this lives
  }
  ~BatchNormCalls() { at::removeCallback(handle_); }
  BatchNormCalls(const BatchNormCalls&) = delete;
  BatchNormCalls& operator=(const BatchNormCalls&) = delete;

  // 0 where there was no call.
  int64_t of(const void* running_mean) const {
    const auto found = values().find(running_mean);
    return found == values().end() ? 0 : found->second;
  }

 private:
  using Values = std::unordered_map<const void*, int64_t>;

  static Values& values() {
    static thread_local Values values;
    return values;
  }

  static at::RecordFunctionCallback callback() {
    return at::RecordFunctionCallback(&BatchNormCalls::note)
        .needsInputs(true)
        .scopes({at::RecordScope::FUNCTION});
  }

  // batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps, cudnn).
  // Where TorchScript calls it they are the last of all that is on its stack.
  static std::unique_ptr<at::ObserverContext> note(const at::RecordFunction& call) {
    if (std::string_view(call.name()) != "aten::batch_norm") return nullptr;
    constexpr size_t kArguments = 9;
    if (call.inputs().size() < kArguments) return nullptr;
    const auto arguments = call.inputs().slice(call.inputs().size() - kArguments);
    if (!arguments[5].isBool() || !arguments[5].toBool()) return nullptr;
    if (!arguments[0].isTensor() || !arguments[3].isTensor()) return nullptr;
    const at::Tensor& input = arguments[0].toTensor();
    const at::Tensor& mean = arguments[3].toTensor();
    if (mean.defined() && mean.numel() > 0) {
      values()[mean.data_ptr()] = input.numel() / mean.numel();
    }
    return nullptr;
  }

  at::CallbackHandle handle_;
};

class Pass {
 public:
  Pass(Model& model, const FlatParameters& parameters, Precision precision)
      : model_(model), parameters_(parameters), precision_(precision) {}

  // The buffers after one forward pass that began with `start` in all running statistics of
  // `layers`. The other buffers take part in the pass with the values they have.
  // Each layer learns how many values a channel it was given.
  at::Tensor run(std::vector<Layer>& layers, const at::Tensor& input, double start) {
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
    const BatchNormCalls calls;
    model_pass([&] { forward(model_, input, precision_); });
    for (auto& layer : layers) {
      layer.values = calls.of(buffers.narrow(0, layer.mean.offset, layer.mean.size).data_ptr());
    }
    return buffers.to(at::kDouble, /*non_blocking=*/false, /*copy=*/true);
  }

 private:
  Model& model_;
  const FlatParameters& parameters_;
  Precision precision_;
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
    // A module may write to its input: each pass gets the batch as it was.
    const at::Tensor from_zero = pass.run(layers, input.clone(), 0);
    const at::Tensor momenta = 1 - (pass.run(layers, input.clone(), kProbe) - from_zero) / kProbe;
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
  Pass pass(model, parameters, options.precision);
  // On the first batch on every worker, so that all read the same, however many there are.
  find_momenta(pass, parameters, before,
               Loader(train, *train, Augmentation{}, 0, 0, buffers.device())
                   .range(0, std::min(train->size(), options.batch_size))
                   .input,
               layers);

  const int64_t size = buffers.numel();
  // n mean, n (var + mean^2), and n of every layer.
  at::Tensor sums = at::zeros({2 * size + static_cast<int64_t>(layers.size())},
                              buffers.options().dtype(at::kDouble));
  at::Tensor first = sums.narrow(0, 0, size), second = sums.narrow(0, size, size);
  at::Tensor counts = sums.narrow(0, 2 * size, static_cast<int64_t>(layers.size()));
  std::vector<double> own(layers.size());
  deal_batches(train, *train, comm, options.batch_size, buffers.device(), [&](const Batch& batch) {
    const at::Tensor after = pass.run(layers, batch.input, 0);
    for (size_t i = 0; i < layers.size(); ++i) {
      const auto& [mean_range, var_range, momentum, values] = layers[i];
      const double n = static_cast<double>(values > 0 ? values : batch.target.size(0));
      const double biased = values > 0 ? (n - 1) / n : 1;
      const at::Tensor mean = after.narrow(0, mean_range.offset, mean_range.size) / momentum;
      const at::Tensor var = after.narrow(0, var_range.offset, var_range.size) / momentum * biased;
      first.narrow(0, mean_range.offset, mean_range.size).add_(mean, n);
      second.narrow(0, mean_range.offset, mean_range.size).add_(var + mean * mean, n);
      own[i] += n;
    }
  });
  counts.copy_(at::tensor(own, at::kDouble));
  comm.all_reduce_sum(sums, sums);
  const at::Tensor all = counts.cpu();

  buffers.copy_(before);
  for (size_t i = 0; i < counters.size(); ++i) {
    at::Tensor(parameters.other_buffers()[i].tensor).copy_(counters[i]);
  }
  for (size_t i = 0; i < layers.size(); ++i) {
    const auto& [mean_range, var_range, momentum, values] = layers[i];
    const double n = all.data_ptr<double>()[i];
    const at::Tensor mean = first.narrow(0, mean_range.offset, mean_range.size) / n;
    const at::Tensor square = second.narrow(0, mean_range.offset, mean_range.size) / n;
    buffers.narrow(0, mean_range.offset, mean_range.size).copy_(mean);
    buffers.narrow(0, var_range.offset, var_range.size).copy_(square - mean * mean);
  }
}

}  // namespace valley
