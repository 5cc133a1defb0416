#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "valley/data/dataset.h"

namespace valley {

/// Mean and (population) standard deviation of numbers that come one by one, in double precision
/// about the first of them: nothing cancels where the mean is far from 0.
class Moments {
 public:
  void add(double value) {
    if (count_++ == 0) first_ = value;
    const double distance = value - first_;
    sum_ += distance;
    squares_ += distance * distance;
  }

  double mean() const;       ///< 0 of none
  double deviation() const;  ///< 1 of none, and of a constant: harmless to divide by

 private:
  int64_t count_ = 0;
  double first_ = 0, sum_ = 0, squares_ = 0;
};

struct ChannelStatistics {
  std::vector<float> mean, stddev;  ///< [C]
};

/// Mean and (population) standard deviation of every channel of inputs [N, C, H, W]: of bytes from
/// exact counts of the 256 values, scaled to [0, 1]; of other numbers by Moments. A constant
/// channel has deviation 1, so that dividing by it is harmless. Cost: one pass over the values.
ChannelStatistics channel_statistics(const at::Tensor& inputs);

/// Both parts of a set are normalised by the statistics of the training inputs.
void normalise_by_training(Dataset& train, Dataset& test);

/// Whether a number is finite as float32, as which all are trained on.
bool is_finite_float(double value);

/// The place of the first value that is not, counted in the tensor's own order; none where all are.
std::optional<int64_t> first_not_finite(const at::Tensor& values);

}  // namespace valley
