#pragma once

#include <ATen/core/Tensor.h>

#include <deque>
#include <vector>

#include "valley/models/named_tensor.h"
#include "valley/train/average_options.h"

namespace valley {

/// One worker's part of an average over rounds (average_options.h): the same sum of its own x.
/// Memory: d for ema, K d for last. Saved with a checkpoint.
class RunningAverage {
 public:
  explicit RunningAverage(const AverageSpec& spec) : spec_(spec) {}

  /// After a round, this worker at x [d].
  void take(const at::Tensor& x);

  /// [d]; undefined before the first round, and of a plain average.
  at::Tensor value() const;

  /// What take() has left, for a checkpoint; the oldest first.
  std::vector<NamedTensor> state() const;

  /// @throws UsageError if it is of another average.
  void load_state(const std::vector<NamedTensor>& state, at::Device device);

 private:
  AverageSpec spec_;
  std::deque<at::Tensor> kept_;  // of ema one, the sum
};

}  // namespace valley
