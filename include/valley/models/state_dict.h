#pragma once

#include <cstdint>
#include <string>
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

/// What load_what_fits() found, by names of the model's, and of the file's for what is in it alone.
struct FittingNames {
  std::vector<std::string> taken;
  std::vector<std::string> other_shape;  ///< "fc.weight [10, 84], there [5, 84]"
  std::vector<std::string> missing;      ///< not among the tensors
  std::vector<std::string> unknown;      ///< not in the model
  int64_t values = 0;                    ///< taken, of the trainable parameters
};

/// Copies into the model what of `tensors` has the name and shape of one of its own; the rest of it
/// stays as it is: a new head for other classes, say.
/// @throws UsageError if none of the model's trainable parameters is among them.
FittingNames load_what_fits(Model& model, const std::vector<NamedTensor>& tensors);

/// Parameters whose names match one of the patterns are trained no more: they get no gradient, and
/// are among buffers() from here on. A pattern is a name of the state_dict, in which * stands for
/// any letters, ? for one and [abc] for one of these; between patterns stand commas. Parts that
/// only look at what passes (BatchNorm's running statistics) go on as they were.
/// @throws UsageError for a pattern that matches none of the parameters, or if all would be frozen;
///     the model is then unchanged.
void freeze(Model& model, const std::string& patterns);

}  // namespace valley
