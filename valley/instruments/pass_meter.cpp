#include "valley/instruments/pass_meter.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace valley {

PassMeter::PassMeter(Progress* progress, std::vector<double> parts)
    : progress_(progress),
      parts_(std::move(parts)),
      rest_(std::accumulate(parts_.begin(), parts_.end(), 0.0)) {}

void PassMeter::begin(double expected) {
  if (next_ < parts_.size()) rest_ -= parts_[next_++];
  left_ = expected;
}

void PassMeter::add(double passes) {
  done_ += passes;
  left_ = std::max(left_ - passes, passes);
  show();
}

void PassMeter::finish() {
  left_ = rest_ = 0;
  show();
}

void PassMeter::show() {
  if (progress_ == nullptr) return;
  progress_->update(
      {.step = std::llround(done_), .total_steps = std::llround(done_ + left_ + rest_)});
}

}  // namespace valley
