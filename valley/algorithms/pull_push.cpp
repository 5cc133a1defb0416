#include "valley/algorithms/pull_push.h"

#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "valley/algorithms/kernels.h"
#include "valley/core/error.h"

namespace valley {

void check(const PullPushOptions& options) {
  require(0 < options.pull && options.pull <= 1, "--pull must be in (0, 1], got {}", options.pull);
  require(options.push >= 0 && std::isfinite(options.push), "--push must be at least 0, got {}",
          options.push);
}

PushStrength push_strength(const PullPushOptions& options, double push_factor,
                           const SquaredNorms& norms, int workers, at::ScalarType dtype) {
  const double lambda =
      push_factor * options.push * (options.push_relative ? std::sqrt(norms.mean) : 1.0);
  const double distance = std::sqrt(norms.distance);
  const double epsilon = dtype == at::kDouble ? std::numeric_limits<double>::epsilon()
                                              : std::numeric_limits<float>::epsilon();
  const bool apart = distance > std::max(8, workers) * epsilon * std::sqrt(norms.mean);
  return {.lambda = lambda, .share = apart && lambda > 0 ? lambda / distance : 0};
}

PullPush::PullPush(const PullPushOptions& options) : options_(options) { check(options); }

RoundReport PullPush::round(at::Tensor& x, Communicator& comm, double push_factor) {
  const int workers = comm.size();
  if (!sum_.defined() || sum_.numel() != x.numel() || sum_.dtype() != x.dtype()) {
    sum_ = at::empty_like(x);
  }

  SquaredNorms norms;
  comm.all_reduce_sum(x, sum_, [&](int64_t begin, int64_t end) {
    norms += squared_norms(x, sum_, workers, begin, end);
  });

  const double alpha = options_.pull;
  const double distance = std::sqrt(norms.distance);
  const PushStrength push = push_strength(options_, push_factor, norms, workers, x.scalar_type());

  // The exact variant asks all workers together, whoever is apart: it is a collective.
  if (options_.variant == PushVariant::kExact && push.lambda > 0) {
    lerp_to_mean_keep_direction(x, sum_, workers, alpha - push.share,
                                push.share > 0 ? 1 / distance : 0);
    comm.all_reduce_sum(sum_, sum_);  // sum_m u_m
    x.sub_(sum_, push.lambda / workers);
  } else {
    lerp_to_mean(x, sum_, workers, alpha - push.share);
  }
  return {.distance = distance,
          .pull = alpha,
          .push = push.lambda,
          .predicted_width = push.lambda / alpha};
}

}  // namespace valley
