#include "valley/algorithms/sgp.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/sub.h>

#include "valley/algorithms/every_step.h"
#include "valley/algorithms/mixing.h"

namespace valley {
namespace {

class Sgp : public EveryStepAlgorithm {
 public:
  Sgp(const SgpOptions& options, const AlgorithmContext& context)
      : order_(options.mixing), graph_(options, context.seed) {
    keep("pushed", pushed_);
  }

  void prepare(int workers) override { graph_.prepare(workers); }

 private:
  void begin(const at::Tensor& z) override {
    if (alone()) return;
    pushed_ = at::empty({z.numel() + 1}, z.options());
    pushed_.narrow(0, 0, z.numel()).copy_(z);
    pushed_.narrow(0, z.numel(), 1).fill_(1);
  }

  void do_before_gradient(const StepInfo& info, at::Tensor& z) override {
    if (alone()) return;
    if (!before_.defined()) before_ = at::empty_like(z);
    before_.copy_(z);
    if (order_ == MixingOrder::kAwc) mixer_.start(comm(), graph_.matrix(info.step), pushed_);
  }

  void do_on_gradient(const StepInfo&, at::Tensor&, at::Tensor&) override {
    if (!alone() && order_ == MixingOrder::kAwc) mixer_.finish(pushed_);
  }

  void do_after_step(const StepInfo& info, at::Tensor& z) override {
    count_step();
    if (alone()) return;
    at::Tensor x = pushed_.narrow(0, 0, z.numel()), w = pushed_.narrow(0, z.numel(), 1);
    x.add_(z).sub_(before_);
    if (order_ == MixingOrder::kAtc) mixer_.mix(comm(), graph_.matrix(info.step), pushed_);
    z.copy_(x).div_(w);
  }

  MixingOrder order_;
  GraphFor graph_;
  Mixer mixer_;
  at::Tensor pushed_;  // [x, w], [d + 1]
  at::Tensor before_;  // z before the optimizer's step, [d]
};

}  // namespace

std::unique_ptr<Algorithm> make_sgp(const SgpOptions& options, const AlgorithmContext& context) {
  return std::make_unique<Sgp>(options, context);
}

}  // namespace valley
