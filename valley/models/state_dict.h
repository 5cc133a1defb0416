#pragma once

#include <vector>

#include "valley/models/model.h"

namespace valley {

/// Parameters, then buffers: what a PyTorch state_dict of the model holds. The tensors are the
/// model's own, not copies.
std::vector<NamedTensor> state_dict(Model& model);

/// Copies `tensors` into the model by name, in any order; values convert to the model's types.
/// @throws UsageError for a name that is missing, unknown or of another shape; the model is then
///     unchanged.
void load_state_dict(Model& model, const std::vector<NamedTensor>& tensors);

}  // namespace valley
