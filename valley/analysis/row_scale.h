#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "valley/optim/flat_parameters.h"

namespace valley {

/// By parameter value, the norm of the row (filter) that it belongs to, [d]: writing x = s y with
/// this s held fixed, every row of y has length 1, and what is measured in y does not change when a
/// layer of a ReLU network is multiplied by a number and the next one divided by it.
///
/// A row is everything under one index of the first dimension; a parameter of one dimension (a
/// bias, BatchNorm's weight) is a single row. A row of zeros stays as it is (s = 1).
at::Tensor row_scale(const at::Tensor& x, const std::vector<NamedRange>& ranges);

}  // namespace valley
