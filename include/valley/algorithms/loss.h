#pragma once

#include <ATen/core/Tensor.h>

#include <cmath>
#include <cstdint>

namespace valley {

/// The loss of a batch, a number that may still be on its way: one that was computed on a device is
/// read when somebody asks for it, and that waits for all the device had to do before. In this
/// machine's memory it is known at once.
class Loss {
 public:
  Loss(double value = 0) : value_(value) {}
  explicit Loss(const at::Tensor& scalar);

  /// The value, waited for if need be.
  operator double() const;

  /// Nobody needs to wait.
  bool known() const { return !coming_.defined(); }
  bool known_not_finite() const { return known() && !std::isfinite(value_); }

 private:
  friend class LossSum;

  mutable double value_ = 0;
  mutable at::Tensor coming_;  // a scalar on a device, until it is read
};

/// Losses added up in double, on the device where they are computed there.
class LossSum {
 public:
  LossSum() = default;
  LossSum(double sum, int64_t count) : sum_(sum), count_(count) {}

  void add(const Loss& loss);

  /// The sum, waited for if need be.
  double sum() const;
  int64_t count() const { return count_; }

  /// The sum, not waited for.
  Loss all() const;
  double mean() const { return sum() / static_cast<double>(count_); }

 private:
  double sum_ = 0;  // of those that are known
  int64_t count_ = 0;
  at::Tensor coming_;  // the sum of the others, a double on a device
};

}  // namespace valley
