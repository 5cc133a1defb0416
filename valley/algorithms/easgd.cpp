#include "valley/algorithms/easgd.h"

#include <ATen/ops/empty_like.h>

#include "valley/algorithms/consensus.h"
#include "valley/algorithms/kernels.h"
#include "valley/algorithms/rounds.h"
#include "valley/algorithms/wire_mean.h"

namespace valley {
namespace {

// The workers are drawn to a centre that follows their average.
class Elastic : public Rule {
 public:
  explicit Elastic(const EasgdOptions& options)
      : beta_(options.moving_rate),
        schedule_(options.push_schedule),
        pull_push_({.pull = options.moving_rate,
                    .push = options.push,
                    .push_relative = options.push_relative}),
        to_center_(pull_push_, schedule_) {
    keep("center", center_);
  }

  void prepare(int workers) override {
    pull_push_.pull = beta_ / workers;
    to_center_ = Consensus(pull_push_, schedule_);
  }

  void begin(const at::Tensor& x) override {
    center_ = x.clone();
    former_ = at::empty_like(x);
  }

  void learn(const StepInfo&, PendingRound& met) override {
    if (met.workers == 1) return;
    met.center = former_.copy_(center_);
    lerp_to_mean(center_, met.sum, met.workers, beta_);
  }

  RoundReport move(const StepInfo& info, PendingRound& met, at::Tensor& x) override {
    if (met.workers == 1) return {};
    return to_center_.move(info, met, x);
  }

 private:
  double beta_;
  PushShape schedule_;
  PullPushOptions pull_push_;
  Consensus to_center_;
  at::Tensor center_, former_;  // z, and the z of before the round; [d]
};

}  // namespace

std::unique_ptr<Algorithm> make_easgd(const EasgdOptions& options,
                                      const AlgorithmContext& context) {
  check_ranges(options);
  return make_rounds(options, context, [options](const AlgorithmContext& c) {
    return Round(make_mean(options.wire, c), std::make_unique<Elastic>(options));
  });
}

}  // namespace valley
