#pragma once

#include <vector>

#include "valley/models/model.h"

namespace valley {

/// What a PyTorch state_dict of the model holds: state() of an ExtendedModel, else parameters, then
/// buffers. The tensors are the model's own, not copies.
std::vector<NamedTensor> state_dict(Model& model);

/// Each tensor once, under the first of its names.
std::vector<NamedTensor> first_names(const std::vector<NamedTensor>& tensors);

/// Copies `tensors` into the model by name, in any order; values convert to the model's types.
/// Of a tensor with several names one will do.
/// @throws UsageError for a name that is missing, unknown or of another shape, or for two values
///     of one tensor; the model is then unchanged.
void load_state_dict(Model& model, const std::vector<NamedTensor>& tensors);

}  // namespace valley
