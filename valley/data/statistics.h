#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace valley {

struct ChannelStatistics {
  std::vector<float> mean, stddev;  ///< [C], bytes scaled to [0, 1]
};

/// Mean and (population) standard deviation of every channel of images [N, C, H, W] uint8, from
/// exact counts of the 256 values. A constant channel has deviation 1, so that dividing by it is
/// harmless. Cost: one pass over the bytes.
ChannelStatistics channel_statistics(const at::Tensor& images);

}  // namespace valley
