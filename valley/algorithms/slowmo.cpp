#include "valley/algorithms/slowmo.h"

#include "valley/algorithms/outer_step.h"
#include "valley/algorithms/rounds.h"
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

 private:
  void outer_step(const StepInfo& info, const at::Tensor& start, at::Tensor& u,
                  at::Tensor& x) override {
    const double eta = learning_rate_(info.step);
    if (eta == 0 || outer_.does_nothing()) return;
    u.mul_(outer_.momentum).add_(start.sub(x), 1 / eta);
    x.copy_(start).sub_(u, outer_.learning_rate * eta);
  }

  OuterOptions outer_;
  std::function<double(int64_t)> learning_rate_;
};

}  // namespace

std::unique_ptr<Algorithm> make_slowmo(const SlowMoOptions& options,
                                       const AlgorithmContext& context) {
  check_ranges(options);
  return std::make_unique<RoundsAlgorithm>(options.period, context, std::make_unique<MeanOfAll>(),
                                           std::make_unique<SlowMo>(options, context),
                                           options.compress_rounds);
}

}  // namespace valley
