#include "valley/algorithms/easgd.h"

#include <ATen/ops/empty_like.h>

#include "valley/algorithms/consensus.h"
#include "valley/algorithms/kernels.h"
#include "valley/algorithms/rounds.h"
#include "valley/core/error.h"

namespace valley {
namespace {

PullPushOptions pull_push_of(const AlgorithmOptions& options, int workers) {
  const double beta = options.moving_rate;
  require(0 < beta && beta <= 1, "--moving-rate must be in (0, 1], got {}", beta);
  PullPushOptions result = options.pull_push;
  result.pull = beta / workers;
  return result;
}

class Easgd : public RoundsAlgorithm {
 public:
  Easgd(const AlgorithmOptions& options, const AlgorithmContext& context)
      : RoundsAlgorithm(options, context),
        beta_(options.moving_rate),
        schedule_(options.push_schedule),
        consensus_(pull_push_of(options, context.comm.size())) {
    keep("center", center_);
  }

  // The loop gives all workers the same x before the first step.
  void before_gradient(const StepInfo&, at::Tensor& x) override {
    if (!center_.defined()) center_ = x.clone();
  }

 private:
  RoundReport round(const StepInfo& info, at::Tensor& x) override {
    require(center_.defined(), "easgd needs a training loop that calls before_gradient");
    if (comm_.size() == 1) return {};
    if (!sum_.defined()) sum_ = at::empty_like(x), next_center_ = at::empty_like(x);
    comm_.all_reduce_sum(x, sum_);
    next_center_.copy_(center_);
    lerp_to_mean(next_center_, sum_, comm_.size(), beta_);
    const RoundReport report =
        consensus_.round(x, center_, sum_, comm_.size(), push_factor(schedule_, info.progress()));
    std::swap(center_, next_center_);
    return report;
  }

  double beta_;
  PushShape schedule_;
  Consensus consensus_;
  at::Tensor center_;             // z, [d]
  at::Tensor sum_, next_center_;  // [d], kept between rounds
};

}  // namespace

std::unique_ptr<Algorithm> make_easgd(const AlgorithmOptions& options,
                                      const AlgorithmContext& context) {
  return std::make_unique<Easgd>(options, context);
}

}  // namespace valley
