// Parts of a model: weights that fit, parameters that stay.
#include <ATen/core/grad_mode.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <unordered_set>

#include "valley/core/error.h"
#include "valley/core/patterns.h"
#include "valley/models/state_dict.h"

namespace valley {

FittingNames load_what_fits(Model& model, const std::vector<NamedTensor>& tensors) {
  std::map<std::string, at::Tensor> given;
  for (const auto& [name, tensor] : tensors) given[name] = tensor;

  FittingNames names;
  std::vector<std::pair<at::Tensor, at::Tensor>> copies;  // to, from
  std::unordered_set<const at::TensorImpl*> filled;       // some have several names
  const std::vector<NamedTensor> own = state_dict(model);
  for (const auto& [name, tensor] : own) {
    const auto found = given.find(name);
    if (found == given.end()) continue;
    if (found->second.sizes() != tensor.sizes()) {
      names.other_shape.push_back(
          fmt::format("{} {}, there {}", name, tensor.sizes().vec(), found->second.sizes().vec()));
    } else {
      names.taken.push_back(name);
      if (filled.insert(tensor.unsafeGetTensorImpl()).second)
        copies.emplace_back(tensor, found->second);
    }
    given.erase(found);
  }
  for (const auto& [name, tensor] : own) {
    const bool somehow = filled.contains(tensor.unsafeGetTensorImpl()) ||
                         std::any_of(tensors.begin(), tensors.end(),
                                     [&](const auto& other) { return other.name == name; });
    if (!somehow) names.missing.push_back(name);
  }
  for (const auto& [name, tensor] : given) names.unknown.push_back(name);
  for (const auto& [name, tensor] : model.parameters())
    if (filled.contains(tensor.unsafeGetTensorImpl())) names.values += tensor.numel();
  if (names.values == 0) {
    const std::string first = tensors.empty() ? "nothing"
                                              : fmt::format("{} {}", tensors.front().name,
                                                            tensors.front().tensor.sizes().vec());
    const NamedTensor mine = model.parameters().front();
    throw UsageError(fmt::format(
        "nothing in it fits the model: its first tensor is {}, the model's first parameter {} {}",
        first, mine.name, mine.tensor.sizes().vec()));
  }
  const at::NoGradGuard no_grad;
  for (auto& [to, from] : copies) to.copy_(from);
  return names;
}

void freeze(Model& model, const std::string& patterns) {
  const std::vector<NamedTensor> parameters = model.parameters();
  std::vector<std::string> names;
  for (const auto& [name, tensor] : parameters) names.push_back(name);
  const std::vector<bool> frozen = parameters_called(patterns, names, Key{"freeze"});
  require(std::find(frozen.begin(), frozen.end(), false) != frozen.end(),
          "{} {} leaves nothing to train", Key{"freeze"}, patterns);
  for (size_t i = 0; i < parameters.size(); ++i)
    if (frozen[i]) at::Tensor(parameters[i].tensor).set_requires_grad(false);
}

}  // namespace valley
