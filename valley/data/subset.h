#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

#include "valley/data/dataset.h"

namespace valley {

/// `count` examples of `data`, every class as often as any other (by at most one; a class that has
/// too few gives all it has), drawn from `seed` and kept in stored order. The draw for a smaller
/// count is part of the draw for a larger one. Mean and deviation stay those of the whole.
/// count must be in [1, data.size()].
std::shared_ptr<const Dataset> balanced_subset(const Dataset& data, int64_t count, uint64_t seed);

}  // namespace valley
