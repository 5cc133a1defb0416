#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace valley {

struct ChannelStatistics {
  std::vector<float> mean, stddev;  ///< [C]
};

/// Mean and (population) standard deviation of every channel of inputs [N, C, H, W]: of bytes from
/// exact counts of the 256 values, scaled to [0, 1]; of other numbers in double precision, about
/// the channel's first value. A constant channel has deviation 1, so that dividing by it is
/// harmless. Cost: one pass over the values.
ChannelStatistics channel_statistics(const at::Tensor& inputs);

/// The place of the first value that is no finite number, counted in the tensor's own order; none
/// where all are.
std::optional<int64_t> first_not_finite(const at::Tensor& values);

}  // namespace valley
