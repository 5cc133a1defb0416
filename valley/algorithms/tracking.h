#pragma once

#include "valley/algorithms/every_step.h"
#include "valley/algorithms/mixing.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

/// Decentralised steps along a direction y that tracks the mean gradient of all workers. A mixes
/// x and B mixes y; both are matrices of the step.
///
///     awc    y <- B y + g(x) - g_old;   x <- A x - alpha y + beta (x - x_previous)
///     atc    y <- B (y + g(x) - g_old);   x <- A (x - alpha y)
///
/// y and g_old begin as the first gradient. Where the columns of B sum to 1, sum_m y_m is the sum
/// of the newest gradients in every step. The optimizer gets y for its gradient. Gradients are
/// kept, never computed again.
///
/// Cost of a step: d values to every neighbour for x and d for y (none for y in the first step).
/// With awc both travel while the gradient is computed. Memory: 6 d and 2 d for every neighbour.
/// State: the number of steps, y, the last gradient and, with beta, the last x.
class Tracking : public EveryStepAlgorithm {
 public:
  /// `order` is awc or atc; beta is used with awc only.
  Tracking(MixingOrder order, double beta);

 protected:
  virtual MixingMatrix weights_of_x(int64_t t) = 0;  ///< A(t)
  virtual MixingMatrix weights_of_y(int64_t t) = 0;  ///< B(t)

 private:
  void do_before_gradient(const StepInfo& info, at::Tensor& x) override;
  void do_on_gradient(const StepInfo& info, at::Tensor& x, at::Tensor& g) override;
  void do_after_step(const StepInfo& info, at::Tensor& x) override;

  MixingOrder order_;
  double beta_;
  Mixer mix_x_, mix_y_;
  at::Tensor y_, gradient_, previous_;  // [d]
  at::Tensor way_;                      // awc: from x to where it goes but for the gradient, [d]
};

}  // namespace valley
