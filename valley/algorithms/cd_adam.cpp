#include "valley/algorithms/cd_adam.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/zeros_like.h>

#include "valley/algorithms/adam_moments.h"
#include "valley/algorithms/every_step.h"
#include "valley/algorithms/squeeze.h"

namespace valley {
namespace {

class CdAdam : public EveryStepAlgorithm {
 public:
  CdAdam(const CdAdamOptions& options, const AlgorithmContext& context)
      : squeeze_(options.compress, context.seed), adam_(context, "cd-adam") {
    keep("replica", replica_);
    keep("owned", owned_);
    keep("known", known_);
    keep("mean", adam_.mean);
    keep("square", adam_.square);
    keep("largest", largest_);
  }

  bool final_average_needed() const override { return false; }

 private:
  void begin(const at::Tensor& x) override {
    adam_.begin(x);
    largest_ = at::zeros_like(x);
    if (alone()) return;
    squeeze_.join(comm(), x);
    replica_ = at::zeros_like(x);
    known_ = at::zeros_like(x);
    owned_ = at::zeros_like(squeeze_.own(x));
  }

  void do_on_gradient(const StepInfo& info, at::Tensor&, at::Tensor& g) override {
    count_step();
    if (alone()) return;
    at::Tensor left = g - replica_;
    owned_.add_(squeeze_.to_owners(left, info.step));
    replica_.copy_(g).sub_(left);
    squeeze_.to_all(owned_ - squeeze_.own(known_), info.step, known_);
    g.copy_(known_);
  }

  void do_local_step(const StepInfo& info, at::Tensor& x, at::Tensor& g,
                     const std::function<void()>&) override {
    adam_.add(g);
    at::maximum_out(largest_, largest_, adam_.square);
    x.addcdiv_(adam_.mean, largest_.add(AdamMoments::kSmallest).sqrt_(), -adam_.rate(info.step));
  }

  Squeeze squeeze_;
  AdamMoments adam_;
  at::Tensor replica_, known_, largest_;  // r, w and v^, [d]
  at::Tensor owned_;                      // R, of the own slice
};

}  // namespace

std::unique_ptr<Algorithm> make_cd_adam(const CdAdamOptions& options,
                                        const AlgorithmContext& context) {
  check_ranges(options);
  return std::make_unique<CdAdam>(options, context);
}

}  // namespace valley
