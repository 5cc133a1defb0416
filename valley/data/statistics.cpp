#include "valley/data/statistics.h"

#include <array>
#include <cmath>
#include <limits>

#include "valley/data/number_types.h"

namespace valley {
namespace {

ChannelStatistics statistics_of_bytes(const at::Tensor& images) {
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

template <typename T>
ChannelStatistics statistics_of_numbers(const T* values, int64_t n, int64_t channels,
                                        int64_t plane) {
  std::vector<Moments> moments(channels);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t c = 0; c < channels; ++c, values += plane)
      for (int64_t k = 0; k < plane; ++k) moments[c].add(static_cast<double>(values[k]));
  ChannelStatistics result;
  for (const Moments& channel : moments) {
    result.mean.push_back(static_cast<float>(channel.mean()));
    result.stddev.push_back(static_cast<float>(channel.deviation()));
  }
  return result;
}

}  // namespace

bool is_finite_float(double value) {
  return std::abs(value) <= double{std::numeric_limits<float>::max()};
}

double Moments::mean() const {
  return count_ == 0 ? 0 : first_ + sum_ / static_cast<double>(count_);
}

double Moments::deviation() const {
  if (count_ == 0) return 1;
  const auto n = static_cast<double>(count_);
  const double mean = sum_ / n, variance = squares_ / n - mean * mean;
  // What is left of a constant is rounding.
  return variance > 1e-12 * squares_ / n ? std::sqrt(variance) : 1;
}

ChannelStatistics channel_statistics(const at::Tensor& inputs) {
  if (inputs.scalar_type() == at::kByte) return statistics_of_bytes(inputs);
  return with_values(inputs, [&](const auto* values) {
    return statistics_of_numbers(values, inputs.size(0), inputs.size(1),
                                 inputs.size(2) * inputs.size(3));
  });
}

void normalise_by_training(Dataset& train, Dataset& test) {
  const ChannelStatistics statistics = channel_statistics(train.inputs);
  for (Dataset* data : {&train, &test}) {
    data->mean = statistics.mean;
    data->stddev = statistics.stddev;
  }
}

std::optional<int64_t> first_not_finite(const at::Tensor& tensor) {
  if (!tensor.is_floating_point()) return std::nullopt;
  return with_values(tensor, [&](const auto* values) -> std::optional<int64_t> {
    for (int64_t i = 0; i < tensor.numel(); ++i)
      if (!is_finite_float(static_cast<double>(values[i]))) return i;
    return std::nullopt;
  });
}

}  // namespace valley
