#include "valley/algorithms/easgd.h"

#include <ATen/ops/empty_like.h>

#include "valley/algorithms/consensus.h"
#include "valley/algorithms/kernels.h"
#include "valley/algorithms/rounds.h"
#include "valley/core/error.h"

namespace valley {
namespace {

PullPushOptions pull_push_of(const AlgorithmOptions& options) {
  const double beta = options.moving_rate;
  require(0 < beta && beta <= 1, "--moving-rate must be in (0, 1], got {}", beta);
  PullPushOptions result = options.pull_push;
  result.pull = beta;
  return result;
}

class Easgd : public RoundsAlgorithm {
 public:
  Easgd(const AlgorithmOptions& options, const AlgorithmContext& context)
      : RoundsAlgorithm(options, context),
        beta_(options.moving_rate),
        schedule_(options.push_schedule),
        pull_push_(pull_push_of(options)),
        consensus_(pull_push_) {
    keep("center", center_);
  }

  void prepare(int workers) override {
    pull_push_.pull = beta_ / workers;
    consensus_ = Consensus(pull_push_);
  }

 private:
  void begin(const at::Tensor& x) override { center_ = x.clone(); }

  RoundReport round(const StepInfo& info, at::Tensor& x) override {
    if (comm().size() == 1) return {};
    if (!sum_.defined()) sum_ = at::empty_like(x), next_center_ = at::empty_like(x);
    comm().all_reduce_sum(x, sum_);
    next_center_.copy_(center_);
    lerp_to_mean(next_center_, sum_, comm().size(), beta_);
    const RoundReport report =
        consensus_.round(x, center_, sum_, comm().size(), push_factor(schedule_, info.progress()));
    std::swap(center_, next_center_);
    return report;
  }

  double beta_;
  PushShape schedule_;
  PullPushOptions pull_push_;
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
