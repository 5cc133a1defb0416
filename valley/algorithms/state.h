#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

namespace valley {

/// What a checkpoint holds of an algorithm for one worker, by name.
using AlgorithmState = std::vector<std::pair<std::string, at::Tensor>>;

/// The entry `name`, of this dtype and this many values (-1: any number).
/// @throws UsageError if there is none, or another dtype or number.
at::Tensor state_entry(const AlgorithmState& state, const std::string& name, at::ScalarType dtype,
                       int64_t numel);

/// x <- the entry `name`. An x that is undefined becomes a copy of it; an entry of no values leaves
/// an undefined x undefined, as state_value() writes it.
void load_vector(const AlgorithmState& state, const std::string& name, at::Tensor& x);

/// x for a checkpoint: an undefined x, not needed yet, becomes an entry of no values.
at::Tensor state_value(const at::Tensor& x);

}  // namespace valley
