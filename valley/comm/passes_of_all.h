#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "valley/comm/squared_norms.h"

/// Passes over a part of the vectors of all workers, by one that reaches them. All are [d], of one
/// type, float or double, in the memory of this machine. To the bit what each would make of its
/// own with the sum at hand, which is written nowhere.
namespace valley {

/// Of worker m, norms[m] <- squared_norms(x_m, sum_m x_m, M, begin, end). Reads each x_m once.
void squared_norms_of_all(const std::vector<at::Tensor>& xs, int64_t begin, int64_t end,
                          SquaredNorms* norms);

/// lerp_to_mean(x_m, sum_m x_m, M, weights[m]) of [begin, end). Reads and writes each x_m once.
void lerp_all_to_mean(const std::vector<at::Tensor>& xs, const std::vector<double>& weights,
                      int64_t begin, int64_t end);

}  // namespace valley
