#include "valley/models/state_dict.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <fmt/ranges.h>

#include <map>
#include <unordered_set>

#include "valley/core/error.h"
#include "valley/models/extended_model.h"

namespace valley {

std::vector<NamedTensor> state_dict(Model& model) {
  if (auto* extended = dynamic_cast<ExtendedModel*>(&model)) return extended->state();
  std::vector<NamedTensor> result = model.parameters();
  for (NamedTensor& buffer : model.buffers()) result.push_back(std::move(buffer));
  return result;
}

std::vector<NamedTensor> first_names(const std::vector<NamedTensor>& tensors) {
  std::vector<NamedTensor> result;
  std::unordered_set<const at::TensorImpl*> seen;
  for (const NamedTensor& item : tensors) {
    if (seen.insert(item.tensor.unsafeGetTensorImpl()).second) result.push_back(item);
  }
  return result;
}

void load_state_dict(Model& model, const std::vector<NamedTensor>& tensors) {
  std::map<std::string, at::Tensor> given;
  for (const auto& [name, tensor] : tensors) given[name] = tensor;

  struct Value {
    std::string name;  // the first under which it is given
    at::Tensor from, to;
  };
  std::map<const at::TensorImpl*, Value> values;
  const std::vector<NamedTensor> own = state_dict(model);
  for (const auto& [name, tensor] : own) {
    Value& value = values[tensor.unsafeGetTensorImpl()];
    value.to = tensor;
    const auto found = given.find(name);
    if (found == given.end()) continue;
    require(found->second.sizes() == tensor.sizes(),
            "tensor {} is {} in the state, {} in the model", name, found->second.sizes().vec(),
            tensor.sizes().vec());
    if (!value.from.defined()) {
      value.name = name;
      value.from = found->second;
    }
    require(value.name == name || at::equal(value.from, found->second.to(value.from.scalar_type())),
            "{} and {} are one tensor in the model and differ in the state", value.name, name);
    given.erase(found);
  }
  for (const auto& [name, tensor] : own) {
    require(values.at(tensor.unsafeGetTensorImpl()).from.defined(), "the state has no tensor {}",
            name);
  }
  require(given.empty(), "the model has no tensor {}", given.empty() ? "" : given.begin()->first);

  const at::NoGradGuard no_grad;
  for (const auto& [tensor, value] : values) at::Tensor(value.to).copy_(value.from);
}

}  // namespace valley
