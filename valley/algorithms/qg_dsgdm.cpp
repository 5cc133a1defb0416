#include "valley/algorithms/qg_dsgdm.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros_like.h>

#include <functional>
#include <utility>

#include "valley/algorithms/every_step_rounds.h"
#include "valley/algorithms/mixing_meeting.h"
#include "valley/core/error.h"

namespace valley {
namespace {

// Goes all the way, and remembers how far that was.
class QuasiGlobalMomentum : public AllTheWay {
 public:
  QuasiGlobalMomentum(double beta, std::function<double(int64_t)> learning_rate)
      : beta_(beta), learning_rate_(std::move(learning_rate)) {
    require(bool(learning_rate_),
            "qg-dsgdm needs the learning rate of a step (AlgorithmContext::learning_rate)");
    keep("momentum", momentum_);
  }

  void on_gradient(const StepInfo&, at::Tensor& x, at::Tensor& g) override {
    if (beta_ == 0) return;
    if (!momentum_.defined()) momentum_ = at::zeros_like(x);
    if (!before_.defined()) before_ = at::empty_like(x);
    before_.copy_(x);
    g.add_(momentum_, beta_);
  }

  void arrived(const StepInfo& info, const at::Tensor& x) override {
    const double alpha = learning_rate_(info.step);
    if (beta_ == 0 || alpha == 0) return;
    momentum_.mul_(beta_).add_(before_.sub_(x), (1 - beta_) / alpha);
  }

 private:
  double beta_;
  std::function<double(int64_t)> learning_rate_;
  at::Tensor momentum_;  // m, [d]
  at::Tensor before_;    // x before the step, [d]
};

}  // namespace

std::unique_ptr<Algorithm> make_qg_dsgdm(const QgDsgdmOptions& options,
                                         const AlgorithmContext& context) {
  check_ranges(options);
  return std::make_unique<EveryStepRounds>(
      std::make_unique<Mixing>(GraphFor(options, context.seed)),
      std::make_unique<QuasiGlobalMomentum>(options.quasi_momentum, context.learning_rate));
}

}  // namespace valley
