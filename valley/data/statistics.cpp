#include "valley/data/statistics.h"

#include <array>
#include <cmath>

namespace valley {

ChannelStatistics channel_statistics(const at::Tensor& images) {
  const int64_t n = images.size(0), channels = images.size(1);
  const int64_t plane = images.size(2) * images.size(3);
  const uint8_t* data = images.data_ptr<uint8_t>();

  ChannelStatistics result;
  for (int64_t c = 0; c < channels; ++c) {
    // Equal neighbours (a black background) would make one counter wait for itself: four of them.
    std::array<std::array<int64_t, 256>, 4> counts{};
    for (int64_t i = 0; i < n; ++i) {
      const uint8_t* pixels = data + (i * channels + c) * plane;
      for (int64_t k = 0; k < plane; ++k) ++counts[k & 3][pixels[k]];
    }
    double mean = 0, variance = 0;
    const double total = static_cast<double>(n * plane);
    const auto share = [&](int v) {
      return static_cast<double>(counts[0][v] + counts[1][v] + counts[2][v] + counts[3][v]) / total;
    };
    for (int v = 0; v < 256; ++v) mean += share(v) * v;
    for (int v = 0; v < 256; ++v) variance += share(v) * (v - mean) * (v - mean);
    result.mean.push_back(static_cast<float>(mean / 255));
    result.stddev.push_back(variance > 0 ? static_cast<float>(std::sqrt(variance) / 255) : 1.0f);
  }
  return result;
}

}  // namespace valley
