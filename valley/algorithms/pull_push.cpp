#include "valley/algorithms/pull_push.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "valley/algorithms/kernels.h"

namespace valley {

void check(const PullPushOptions& options) { check_ranges(options); }

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

RoundReport pull_push_report(double distance, double pull, double push, double share) {
  distance /= std::sqrt(share);
  push /= std::sqrt(share);
  RoundReport report = {.distance = distance, .figures = {{"pull", pull}, {"push", push}}};
  if (pull > 0) report.figures.emplace_back("predicted_width", push / pull);
  return report;
}

double push_of_slice(const PullPushOptions& options, double share) {
  return options.push_relative ? 1 : std::sqrt(share);
}

PullPush::Strengths PullPush::strengths(const PendingRound& met, const SquaredNorms& norms,
                                        at::ScalarType dtype, double push_factor,
                                        double pull_factor) const {
  return {options_.pull * pull_factor,
          push_strength(options_, push_factor * push_of_slice(options_, met.share), norms,
                        met.workers, dtype)};
}

Pull PullPush::pull(const PendingRound& met, at::ScalarType dtype, double push_factor,
                    double pull_factor) const {
  const auto [alpha, push] = strengths(met, *met.norms, dtype, push_factor, pull_factor);
  const double distance = std::sqrt(met.norms->distance);
  return {alpha - push.share, pull_push_report(distance, alpha, push.lambda, met.share)};
}

RoundReport PullPush::move(at::Tensor& x, PendingRound& met, double push_factor,
                           double pull_factor) const {
  const SquaredNorms norms =
      met.norms ? *met.norms : squared_norms(x, met.sum, met.workers, 0, x.numel());
  const auto [alpha, push] = strengths(met, norms, x.scalar_type(), push_factor, pull_factor);
  const double distance = std::sqrt(norms.distance);
  // The exact variant asks all workers together, whoever is apart: it is a collective.
  if (!only_pulls() && push.lambda > 0) {
    lerp_to_mean_keep_direction(x, met.sum, met.workers, alpha - push.share,
                                push.share > 0 ? 1 / distance : 0);
    met.again->all_reduce_sum(met.sum, met.sum);  // sum_m u_m
    x.sub_(met.sum, push.lambda / met.workers);
  } else {
    lerp_to_mean(x, met.sum, met.workers, alpha - push.share);
  }
  return pull_push_report(distance, alpha, push.lambda, met.share);
}

RoundReport PullPush::round(at::Tensor& x, Communicator& comm, double push_factor) {
  if (only_pulls()) {
    RoundReport report;
    mean_.meet_and_pull(comm, x, 0, [&](PendingRound& met) {
      Pull pull = this->pull(met, x.scalar_type(), push_factor);
      report = std::move(pull.report);
      return pull.weight;
    });
    return report;
  }
  PendingRound met = mean_.meet(comm, x, 0);
  return move(x, met, push_factor);
}

}  // namespace valley
