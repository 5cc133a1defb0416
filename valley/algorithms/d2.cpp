#include "valley/algorithms/d2.h"

#include <ATen/ops/empty_like.h>

#include "valley/algorithms/every_step.h"
#include "valley/algorithms/mixing.h"

namespace valley {
namespace {

class D2 : public EveryStepAlgorithm {
 public:
  D2(const D2Options& options, const AlgorithmContext& context) : graph_(options, context.seed) {
    keep("stepped", stepped_);
  }

  void prepare(int workers) override { graph_.prepare(workers); }

 private:
  void do_before_gradient(const StepInfo&, at::Tensor& x) override {
    if (alone()) return;
    if (!before_.defined()) before_ = at::empty_like(x);
    before_.copy_(x);
  }

  void do_after_step(const StepInfo& info, at::Tensor& x) override {
    count_step();
    if (alone()) return;
    if (stepped_.defined()) {
      before_.sub_(stepped_);  // x_t - h_{t-1}
      stepped_.copy_(x);
      x.add_(before_);
    } else {
      stepped_ = x.clone();
    }
    mixer_.mix(comm(), graph_.matrix(info.step), x);
  }

  GraphFor<D2Options> graph_;
  Mixer mixer_;
  at::Tensor before_;   // x_t, [d]
  at::Tensor stepped_;  // h of the last step, [d]
};

}  // namespace

std::unique_ptr<Algorithm> make_d2(const D2Options& options, const AlgorithmContext& context) {
  return std::make_unique<D2>(options, context);
}

}  // namespace valley
