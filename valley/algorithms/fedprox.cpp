#include "valley/algorithms/fedprox.h"

#include "valley/algorithms/participants.h"
#include "valley/algorithms/pull_push.h"
#include "valley/algorithms/rounds.h"

namespace valley {
namespace {

class Proximal : public PullPushRule {
 public:
  explicit Proximal(double mu) : PullPushRule({.pull = 1, .push = 0}), mu_(mu) {
    keep("start", start_);
  }

  void begin(const at::Tensor& x) override { start_ = x.clone(); }

  void on_gradient(const StepInfo&, at::Tensor& x, at::Tensor& g) override {
    if (mu_ > 0) g.add_(x, mu_).sub_(start_, mu_);
  }

  void arrived(const StepInfo&, const at::Tensor& x) override { start_.copy_(x); }

 private:
  double mu_;
  at::Tensor start_;  // x_0, [d]
};

}  // namespace

std::unique_ptr<Algorithm> make_fedprox(const FedProxOptions& options,
                                        const AlgorithmContext& context) {
  check_ranges(options);
  return std::make_unique<RoundsAlgorithm>(
      options.period, context,
      std::make_unique<MeanOfSome>(Participants(options.participate, context.seed)),
      std::make_unique<Proximal>(options.prox), "none", options.optimizer_state);
}

}  // namespace valley
