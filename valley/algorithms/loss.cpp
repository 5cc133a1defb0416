#include "valley/algorithms/loss.h"

#include <ATen/TensorOperators.h>

#include "valley/comm/fused.h"

namespace valley {

Loss::Loss(const at::Tensor& scalar) {
  if (fused(scalar)) {
    value_ = scalar.item<double>();
  } else {
    coming_ = scalar.detach();
  }
}

Loss::operator double() const {
  if (coming_.defined()) {
    value_ = coming_.item<double>();
    coming_.reset();
  }
  return value_;
}

void LossSum::add(const Loss& loss) {
  ++count_;
  if (loss.known()) {
    sum_ += loss.value_;
  } else if (coming_.defined()) {
    coming_.add_(loss.coming_);
  } else {
    coming_ = loss.coming_.to(at::kDouble, /*non_blocking=*/false, /*copy=*/true);
  }
}

Loss LossSum::all() const { return coming_.defined() ? Loss(coming_ + sum_) : Loss(sum_); }

double LossSum::sum() const { return coming_.defined() ? sum_ + coming_.item<double>() : sum_; }

}  // namespace valley
