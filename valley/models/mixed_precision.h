#pragma once

#include "valley/models/extended_model.h"
#include "valley/models/precision.h"

namespace valley {

/// The model's pass in that precision, on the device where the input is; outputs that come in
/// bfloat16 are returned in float32, so that losses and scores are taken of those. A model in
/// float64 stays that. Backward takes place in the types of the pass, and gradients add up in those
/// of the weights.
at::Tensor forward(Model& model, const at::Tensor& input, Precision precision);
Outputs forward_all(Model& model, const at::Tensor& input, Precision precision);

}  // namespace valley
