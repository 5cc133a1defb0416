#include "valley/models/wrap.h"

#include <torch/nn/module.h>

#include <unordered_set>

#include "valley/core/error.h"

namespace valley {

ModuleModel::ModuleModel(std::shared_ptr<torch::nn::Module> module, Forward forward)
    : module_(std::move(module)), forward_(std::move(forward)) {
  require(module_ != nullptr, "wrap: the module is null");
}

std::vector<NamedTensor> ModuleModel::parameters() {
  std::vector<NamedTensor> result;
  std::unordered_set<const at::TensorImpl*> seen;
  for (const auto& item : module_->named_parameters()) {
    if (item.value().requires_grad() && seen.insert(item.value().unsafeGetTensorImpl()).second) {
      result.push_back({item.key(), item.value()});
    }
  }
  return result;
}

std::vector<NamedTensor> ModuleModel::buffers() {
  std::vector<NamedTensor> result;
  for (const auto& item : module_->named_parameters()) {
    if (!item.value().requires_grad()) result.push_back({item.key(), item.value()});
  }
  for (const auto& item : module_->named_buffers()) result.push_back({item.key(), item.value()});
  return result;
}

void ModuleModel::train(bool on) {
  // Seen only while the module trains: one that evaluates says nothing of its parts.
  if (module_->is_training()) {
    frozen_.clear();
    for (const auto& part : module_->modules(/*include_self=*/false)) {
      if (!part->is_training()) frozen_.insert(part.get());
    }
  }
  module_->train(on);
  if (!on || frozen_.empty()) return;
  // Parents come first, so that each part has the last word on its own mode.
  for (const auto& part : module_->modules(/*include_self=*/false)) {
    part->train(!frozen_.contains(part.get()));
  }
}

}  // namespace valley
