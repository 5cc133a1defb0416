#include "valley/algorithms/palsgd.h"

#include <ATen/ops/empty_like.h>

#include <utility>

#include "valley/algorithms/outer_step.h"
#include "valley/algorithms/rounds.h"
#include "valley/core/error.h"
#include "valley/core/random.h"

namespace valley {
namespace {

class PalSgd : public NesterovOverRounds {
 public:
  PalSgd(const PalSgdOptions& options, const AlgorithmContext& context)
      : NesterovOverRounds(options.outer_lr, options.outer_momentum),
        q_(options.anchor_probability),
        eta_(options.anchor_pull),
        seed_(context.seed),
        learning_rate_(context.learning_rate) {
    require(q_ == 0 || bool(learning_rate_),
            "palsgd needs the learning rate of a step (AlgorithmContext::learning_rate)");
  }

  void local_step(const StepInfo& info, at::Tensor& x, at::Tensor&,
                  const std::function<void()>& optimizer) override {
    if (q_ == 0) return optimizer();
    if (!spare_.defined()) spare_ = at::empty_like(x);
    if (Random(derive_seed(seed_, rank(), "palsgd", info.step)).uniform() < q_) {
      x.sub_(spare_.copy_(x).sub_(start()), learning_rate_(info.step) / q_ * eta_);
      return;
    }
    spare_.copy_(x);
    optimizer();
    x.sub_(spare_).div_(1 - q_).add_(spare_);
  }

 private:
  double q_, eta_;
  uint64_t seed_;
  std::function<double(int64_t)> learning_rate_;
  at::Tensor spare_;  // [d]
};

}  // namespace

std::unique_ptr<Algorithm> make_palsgd(const PalSgdOptions& options,
                                       const AlgorithmContext& context) {
  check_ranges(options);
  return std::make_unique<RoundsAlgorithm>(options.period, context, std::make_unique<MeanOfAll>(),
                                           std::make_unique<PalSgd>(options, context), "none",
                                           options.optimizer_state);
}

}  // namespace valley
