#include "valley/algorithms/slowmo.h"

#include "valley/algorithms/outer_step.h"
#include "valley/algorithms/rounds.h"
#include "valley/algorithms/wire_mean.h"
#include "valley/core/error.h"

namespace valley {
namespace {

class SlowMo : public OuterStep {
 public:
  SlowMo(const SlowMoOptions& options, const AlgorithmContext& context)
      : outer_{.learning_rate = options.outer_lr.value_or(1),
               .momentum = options.outer_momentum.value_or(0.5)},
        learning_rate_(context.learning_rate) {
    require(bool(learning_rate_),
            "slowmo needs the learning rate of a step (AlgorithmContext::learning_rate)");
  }

  void meets(const StepInfo& info) override { rate_ = learning_rate_(info.step); }

 private:
  void outer_step(const PendingRound&, const at::Tensor& start, at::Tensor& u,
                  at::Tensor& x) override {
    const double eta = rate_;
    if (eta == 0 || outer_.does_nothing()) return;
    u.mul_(outer_.momentum).add_(start.sub(x), 1 / eta);
    x.copy_(start).sub_(u, outer_.learning_rate * eta);
  }

  OuterOptions outer_;
  std::function<double(int64_t)> learning_rate_;
  double rate_ = 0;  // as the workers met
};

}  // namespace

std::unique_ptr<Algorithm> make_slowmo(const SlowMoOptions& options,
                                       const AlgorithmContext& context) {
  check_ranges(options);
  return make_rounds(options, context, [options](const AlgorithmContext& c) {
    return Round(make_mean(options.wire, c), std::make_unique<SlowMo>(options, c));
  });
}

}  // namespace valley
