#include "valley/algorithms/adam_moments.h"

#include <ATen/ops/zeros_like.h>

#include "valley/core/error.h"

namespace valley {

AdamMoments::AdamMoments(const AlgorithmContext& context, const std::string& method)
    : beta1_(context.beta1), beta2_(context.beta2), learning_rate_(context.learning_rate) {
  require(bool(learning_rate_),
          "{} needs the learning rate of a step (AlgorithmContext::learning_rate)", method);
}

void AdamMoments::begin(const at::Tensor& x) {
  mean = at::zeros_like(x);
  square = at::zeros_like(x);
}

void AdamMoments::add(const at::Tensor& g) {
  mean.mul_(beta1_).add_(g, 1 - beta1_);
  square.mul_(beta2_).addcmul_(g, g, 1 - beta2_);
}

}  // namespace valley
