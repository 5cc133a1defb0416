#include "valley/analysis/layer_activity.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <fmt/ranges.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <vector>

#include "valley/analysis/draws.h"
#include "valley/core/error.h"
#include "valley/data/loader.h"
#include "valley/models/model_pass.h"

namespace valley {
namespace {

constexpr const char *kWeight = ".weight", *kBias = ".bias";

at::Tensor tensor_of(const std::vector<NamedTensor>& parameters, const std::string& name) {
  const auto found = std::find_if(parameters.begin(), parameters.end(),
                                  [&](const NamedTensor& p) { return p.name == name; });
  return found == parameters.end() ? at::Tensor() : found->tensor;
}

}  // namespace

DenseLayer find_dense_layer(Model& model, const std::string& name) {
  const std::vector<NamedTensor> parameters = model.parameters();
  std::vector<std::string> layers;
  for (const auto& [weight, tensor] : parameters) {
    if (tensor.dim() != 2 || !weight.ends_with(kWeight)) continue;
    const std::string layer = weight.substr(0, weight.size() - std::string(kWeight).size());
    const at::Tensor bias = tensor_of(parameters, layer + kBias);
    if (bias.defined() && bias.dim() == 1 && bias.size(0) == tensor.size(0))
      layers.push_back(layer);
  }
  require(!layers.empty(), "the model has no dense layer with a bias");
  const std::string chosen = name.empty() ? layers.back() : name;
  require(std::find(layers.begin(), layers.end(), chosen) != layers.end(),
          "{}: no dense layer with a bias is called '{}'; there are {}", Key{"layer"}, name,
          fmt::join(layers, ", "));
  return {chosen + kWeight, chosen + kBias};
}

LayerActivity layer_activity(Model& model, const DenseLayer& layer,
                             const std::shared_ptr<const Dataset>& data, const Dataset& statistics,
                             const Task& task) {
  const c10::AutoGradMode with_grad(true);
  model.train(false);
  const std::vector<NamedTensor> parameters = model.parameters();
  const at::Tensor w = tensor_of(parameters, layer.weight), b = tensor_of(parameters, layer.bias);
  Loader loader(data, statistics, Augmentation{}, /*seed=*/0, /*worker=*/0, w.device());
  std::vector<at::Tensor> activities;
  std::vector<double> losses;
  at::Tensor mixed;  // of the output's values
  for (int64_t i = 0; i < data->size(); ++i) {
    const Batch batch = loader.range(i, i + 1);
    const auto gradients = model_pass([&] {
      const at::Tensor output = model.forward(batch.input);
      losses.push_back(task.loss(output, batch.target).item<double>());
      if (!mixed.defined()) mixed = draw_normals(output.flatten().detach(), 0, "duality", 0);
      return torch::autograd::grad({(output.flatten() * mixed).sum()}, {w, b}, {},
                                   /*retain_graph=*/false, /*create_graph=*/false,
                                   /*allow_unused=*/true);
    });
    const at::Tensor &by_w = gradients[0], &by_b = gradients[1];
    const double size = by_b.defined() ? by_b.pow(2).sum().item<double>() : 0;
    if (size == 0) {
      activities.push_back(at::zeros({w.size(1)}, w.options().requires_grad(false)));
      continue;
    }
    activities.push_back(at::mv(by_w.t(), by_b).div_(size));
    const at::Tensor product = at::outer(by_b, activities.back());
    require((by_w - product).norm().item<double>() <= 1e-3 * by_w.norm().item<double>() + 1e-12,
            "{} is no dense layer that every example goes through once", layer.weight);
  }
  return {at::stack(activities), at::tensor(losses, at::kDouble)};
}

}  // namespace valley
