#include "valley/algorithms/tracking.h"

#include <ATen/ops/empty_like.h>

namespace valley {

Tracking::Tracking(MixingOrder order, double beta) : order_(order), beta_(beta) {
  keep("y", y_);
  keep("gradient", gradient_);
  keep("previous", previous_);
}

void Tracking::do_before_gradient(const StepInfo& info, at::Tensor& x) {
  if (alone() || order_ != MixingOrder::kAwc) return;
  mix_x_.start(comm(), weights_of_x(info.step), x);
  if (y_.defined()) mix_y_.start(comm(), weights_of_y(info.step), y_);
}

void Tracking::do_on_gradient(const StepInfo& info, at::Tensor& x, at::Tensor& g) {
  if (alone()) return;
  const bool awc = order_ == MixingOrder::kAwc;
  if (awc) {
    if (!way_.defined()) way_ = at::empty_like(x);
    mix_x_.finish(way_);
    way_.sub_(x);
    if (beta_ > 0) {
      if (previous_.defined()) {
        way_.add_(x, beta_).sub_(previous_, beta_);
        previous_.copy_(x);
      } else {
        previous_ = x.clone();
      }
    }
  }
  if (!y_.defined()) {
    y_ = g.clone();
    gradient_ = g.clone();
    return;
  }
  if (awc) mix_y_.finish(y_);
  y_.add_(g).sub_(gradient_);
  gradient_.copy_(g);
  if (!awc) mix_y_.mix(comm(), weights_of_y(info.step), y_);
  g.copy_(y_);
}

void Tracking::do_after_step(const StepInfo& info, at::Tensor& x) {
  count_step();
  if (alone()) return;
  if (order_ == MixingOrder::kAwc) {
    x.add_(way_);
  } else {
    mix_x_.mix(comm(), weights_of_x(info.step), x);
  }
}

}  // namespace valley
