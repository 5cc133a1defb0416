#include "valley/models/state_dict.h"

#include <ATen/core/grad_mode.h>
#include <fmt/ranges.h>

#include <map>

#include "valley/core/error.h"

namespace valley {

std::vector<NamedTensor> state_dict(Model& model) {
  std::vector<NamedTensor> result = model.parameters();
  for (NamedTensor& buffer : model.buffers()) result.push_back(std::move(buffer));
  return result;
}

void load_state_dict(Model& model, const std::vector<NamedTensor>& tensors) {
  std::map<std::string, at::Tensor> given;
  for (const auto& [name, tensor] : tensors) given[name] = tensor;

  const std::vector<NamedTensor> own = state_dict(model);
  for (const auto& [name, tensor] : own) {
    const auto found = given.find(name);
    require(found != given.end(), "the state has no tensor {}", name);
    require(found->second.sizes() == tensor.sizes(),
            "tensor {} is {} in the state, {} in the model", name, found->second.sizes().vec(),
            tensor.sizes().vec());
  }
  if (given.size() > own.size()) {
    for (const auto& [name, tensor] : own) given.erase(name);
    throw UsageError(fmt::format("the model has no tensor {}", given.begin()->first));
  }

  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : own) tensor.copy_(given.at(name));
}

}  // namespace valley
