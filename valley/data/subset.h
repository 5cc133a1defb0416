#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

#include "valley/data/dataset.h"

namespace valley {

/// Which `count` examples of `data` (int64 [count], ascending), every class by its share of the
/// data, drawn from `seed`: the j-th drawn of a class of n stands at (j + 1/2) / n, and the first
/// `count` of all are taken (Webster's rule). Classes of one size so come as often as one another,
/// by at most one. The draw for a smaller count is part of the draw for a larger one. count must be
/// in [1, data.size()].
at::Tensor stratified_indices(const Dataset& data, int64_t count, uint64_t seed);

/// Those examples. Mean and deviation stay those of the whole.
std::shared_ptr<const Dataset> subset_of(const Dataset& data, const at::Tensor& indices);
/// `data` less `count` of its examples, fewer than it has, which are the validation set of what is
/// left. Drawn as by stratified_indices(); of a text they are its last ones, and nothing is copied.
std::shared_ptr<const Dataset> with_validation(const Dataset& data, int64_t count, uint64_t seed);

std::shared_ptr<const Dataset> stratified_subset(const Dataset& data, int64_t count, uint64_t seed);

}  // namespace valley
