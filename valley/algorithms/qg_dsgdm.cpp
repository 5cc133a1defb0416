#include "valley/algorithms/qg_dsgdm.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros_like.h>

#include "valley/algorithms/every_step.h"
#include "valley/algorithms/mixing.h"
#include "valley/core/error.h"

namespace valley {
namespace {

class QgDsgdm : public EveryStepAlgorithm {
 public:
  QgDsgdm(const QgDsgdmOptions& options, const AlgorithmContext& context)
      : beta_(options.quasi_momentum),
        learning_rate_(context.learning_rate),
        graph_(options, context.seed) {
    require(bool(learning_rate_),
            "qg-dsgdm needs the learning rate of a step (AlgorithmContext::learning_rate)");
    keep("momentum", momentum_);
  }

  void prepare(int workers) override { graph_.prepare(workers); }

 private:
  void do_on_gradient(const StepInfo&, at::Tensor& x, at::Tensor& g) override {
    if (beta_ == 0) return;
    if (!momentum_.defined()) momentum_ = at::zeros_like(x);
    if (!before_.defined()) before_ = at::empty_like(x);
    before_.copy_(x);
    g.add_(momentum_, beta_);
  }

  void do_after_step(const StepInfo& info, at::Tensor& x) override {
    count_step();
    if (!alone()) mixer_.mix(comm(), graph_.matrix(info.step), x);
    const double alpha = learning_rate_(info.step);
    if (beta_ == 0 || alpha == 0) return;
    momentum_.mul_(beta_).add_(before_.sub_(x), (1 - beta_) / alpha);
  }

  double beta_;
  std::function<double(int64_t)> learning_rate_;
  GraphFor<QgDsgdmOptions> graph_;
  Mixer mixer_;
  at::Tensor momentum_;  // m, [d]
  at::Tensor before_;    // x before the step, [d]
};

}  // namespace

std::unique_ptr<Algorithm> make_qg_dsgdm(const QgDsgdmOptions& options,
                                         const AlgorithmContext& context) {
  check_ranges(options);
  return std::make_unique<QgDsgdm>(options, context);
}

}  // namespace valley
