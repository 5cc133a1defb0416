#include "valley/models/wrap.h"

#include <torch/nn/module.h>

#include "valley/core/error.h"
#include "valley/models/state_dict.h"

namespace valley {
namespace {

// Under all their names.
std::vector<NamedTensor> trained(const torch::nn::Module& module) {
  std::vector<NamedTensor> result;
  for (const auto& item : module.named_parameters()) {
    if (item.value().requires_grad()) result.push_back({item.key(), item.value()});
  }
  return result;
}

std::vector<NamedTensor> not_trained(const torch::nn::Module& module) {
  std::vector<NamedTensor> result;
  for (const auto& item : module.named_parameters()) {
    if (!item.value().requires_grad()) result.push_back({item.key(), item.value()});
  }
  for (const auto& item : module.named_buffers()) result.push_back({item.key(), item.value()});
  return result;
}

}  // namespace

ModuleModel::ModuleModel(std::shared_ptr<torch::nn::Module> module, Forward forward)
    : module_(std::move(module)), forward_(std::move(forward)) {
  require(module_ != nullptr, "wrap: the module is null");
}

std::vector<NamedTensor> ModuleModel::parameters() { return first_names(trained(*module_)); }

std::vector<NamedTensor> ModuleModel::buffers() { return first_names(not_trained(*module_)); }

std::vector<NamedTensor> ModuleModel::state() {
  std::vector<NamedTensor> result = trained(*module_);
  for (NamedTensor& item : not_trained(*module_)) result.push_back(std::move(item));
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
