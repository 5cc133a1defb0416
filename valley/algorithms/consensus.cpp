#include "valley/algorithms/consensus.h"

#include <ATen/core/TensorBody.h>

#include <cmath>

#include "valley/algorithms/kernels.h"

namespace valley {

Consensus::Consensus(const PullPushOptions& options) : options_(options) { check(options); }

RoundReport Consensus::round(at::Tensor& x, const at::Tensor& center, at::Tensor sum, int workers,
                             double push_factor) const {
  const double alpha = options_.pull;
  const SquaredNorms norms = pushes() ? squared_norms(x, sum, workers, 0, x.numel())
                                      : squared_norms(x, center, 1, 0, x.numel());
  const PushStrength push = push_strength(options_, push_factor, norms, workers, x.scalar_type());
  if (push.share > 0) {
    lerp_to_mean_keep_direction(x, sum, workers, 0, push.share);  // sum <- the push; x stays
    lerp_to_mean(x, center, 1, alpha);
    x.add_(sum);
  } else {
    lerp_to_mean(x, center, 1, alpha);
  }
  return {.distance = std::sqrt(norms.distance),
          .pull = alpha,
          .push = push.lambda,
          .predicted_width = push.lambda / alpha};
}

}  // namespace valley
