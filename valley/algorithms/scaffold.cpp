#include "valley/algorithms/scaffold.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "valley/algorithms/participants.h"
#include "valley/algorithms/pull_push.h"
#include "valley/algorithms/rounds.h"
#include "valley/core/error.h"

namespace valley {
namespace {

// Says x and the change of the own control.
class Controls : public MeanOfSome {
 public:
  Controls(const ScaffoldOptions& options, const AlgorithmContext& context)
      : MeanOfSome(Participants(options.participate, context.seed)),
        learning_rate_(context.learning_rate) {
    require(bool(learning_rate_),
            "scaffold needs the learning rate of a step (AlgorithmContext::learning_rate)");
    keep("control", control_);
    keep("own_control", own_);
    keep("gathered", gathered_);
    keep("rates", rates_);
  }

  void prepare(int workers) override { workers_ = workers; }

  void begin(const at::Tensor& x) override {
    control_ = at::zeros_like(x);
    own_ = at::zeros_like(x);
    gathered_ = at::zeros_like(x);
    rates_ = at::zeros({1}, at::kDouble);
  }

  void on_gradient(const StepInfo& info, at::Tensor&, at::Tensor& g) override {
    if (workers_ == 1) return;
    const double rate = learning_rate_(info.step);
    gathered_.add_(g, rate);
    rates_.add_(rate);
    g.sub_(own_).add_(control_);
  }

 private:
  int64_t said(int64_t d) const override { return 2 * d; }

  at::Tensor say(const at::Tensor& x) override {
    const double rates = rates_.item<double>();
    change_ = rates > 0 ? gathered_.div(rates).sub_(own_) : at::zeros_like(x);
    return at::cat({x, change_});
  }

  void hear(const at::Tensor& sum, int, bool spoke) override {
    const int64_t d = own_.numel();
    control_.add_(sum.narrow(0, d, d), 1.0 / workers_);
    if (spoke) own_.add_(change_);
    gathered_.zero_();
    rates_.zero_();
  }

  int workers_ = 1;
  std::function<double(int64_t)> learning_rate_;
  at::Tensor control_, own_, gathered_;  // c, c_m, and the sum of eta g_m since they met; [d]
  at::Tensor rates_;                     // [1], double
  at::Tensor change_;                    // dc_m, while they meet
};

}  // namespace

std::unique_ptr<Algorithm> make_scaffold(const ScaffoldOptions& options,
                                         const AlgorithmContext& context) {
  check_ranges(options);
  return std::make_unique<RoundsAlgorithm>(
      options.period, context, std::make_unique<Controls>(options, context),
      std::make_unique<PullPushRule>(PullPushOptions{.pull = 1, .push = 0}), "none",
      options.optimizer_state);
}

}  // namespace valley
