#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <unordered_set>
#include <utility>
#include <vector>

#include "valley/models/extended_model.h"

namespace torch::nn {
class Module;
}

namespace valley {

/// A torch::nn module as a Model. Use wrap().
class ModuleModel : public ExtendedModel {
 public:
  using Forward = std::function<at::Tensor(const at::Tensor&)>;

  ModuleModel(std::shared_ptr<torch::nn::Module> module, Forward forward);

  at::Tensor forward(const at::Tensor& input) override { return forward_(input); }

  std::vector<NamedTensor> parameters() override;

  /// Frozen parameters first, then the registered buffers.
  std::vector<NamedTensor> buffers() override;
  std::vector<NamedTensor> state() override;

  /// A module that was made in evaluation mode trains all the same. Parts that were put into
  /// evaluation mode while the module itself was in train mode (`net->norm->eval()`) are frozen on
  /// purpose: they stay so when the others return to train mode.
  void train(bool on) override;

 private:
  std::shared_ptr<torch::nn::Module> module_;
  Forward forward_;
  std::unordered_set<const torch::nn::Module*> frozen_;  // parts that stay in evaluation mode
};

/// Any torch::nn module with forward(Tensor) -> Tensor, ready to train:
///
///     struct Net : torch::nn::Module { at::Tensor forward(at::Tensor x); ... };
///     std::unique_ptr<valley::Model> model = valley::wrap(std::make_shared<Net>());
///
/// The model shares the module, it does not copy it. For a TORCH_MODULE holder pass holder.ptr().
/// The header is cheap: include the torch/nn headers your module needs beside it.
template <typename Module>
std::unique_ptr<Model> wrap(std::shared_ptr<Module> module) {
  Module* network = module.get();  // kept alive by the model, which holds the shared_ptr
  return std::make_unique<ModuleModel>(
      std::move(module), [network](const at::Tensor& input) { return network->forward(input); });
}

}  // namespace valley
