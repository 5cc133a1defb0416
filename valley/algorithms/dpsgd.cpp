#include "valley/algorithms/dpsgd.h"

#include <ATen/ops/empty_like.h>

#include "valley/algorithms/every_step.h"
#include "valley/algorithms/mixing.h"

namespace valley {
namespace {

class Dpsgd : public EveryStepAlgorithm {
 public:
  Dpsgd(const DpsgdOptions& options, const AlgorithmContext& context)
      : order_(options.mixing), graph_(options, context.seed) {}

  void prepare(int workers) override { graph_.prepare(workers); }

 private:
  void do_before_gradient(const StepInfo& info, at::Tensor& x) override {
    if (alone()) return;
    if (order_ == MixingOrder::kAwc) mixer_.start(comm(), graph_.matrix(info.step), x);
    if (order_ == MixingOrder::kCta) mixer_.mix(comm(), graph_.matrix(info.step), x);
  }

  void do_on_gradient(const StepInfo&, at::Tensor& x, at::Tensor&) override {
    if (alone() || order_ != MixingOrder::kAwc) return;
    if (!way_.defined()) way_ = at::empty_like(x);
    mixer_.finish(way_);
    way_.sub_(x);
  }

  void do_after_step(const StepInfo& info, at::Tensor& x) override {
    count_step();
    if (alone()) return;
    if (order_ == MixingOrder::kAwc) x.add_(way_);
    if (order_ == MixingOrder::kAtc) mixer_.mix(comm(), graph_.matrix(info.step), x);
  }

  MixingOrder order_;
  GraphFor<DpsgdOptions> graph_;
  Mixer mixer_;
  at::Tensor way_;  // awc: from x to the mixed x, [d]
};

}  // namespace

std::unique_ptr<Algorithm> make_dpsgd(const DpsgdOptions& options,
                                      const AlgorithmContext& context) {
  return std::make_unique<Dpsgd>(options, context);
}

}  // namespace valley
