#include "valley/algorithms/mgrawa.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/mul.h>

#include <numeric>

#include "valley/algorithms/consensus.h"
#include "valley/algorithms/gradient_weights.h"
#include "valley/algorithms/rounds.h"
#include "valley/core/error.h"

namespace valley {
namespace {

class Mgrawa : public RoundsAlgorithm {
 public:
  Mgrawa(const AlgorithmOptions& options, const AlgorithmContext& context)
      : RoundsAlgorithm(options, context),
        schedule_(options.push_schedule),
        consensus_(options.pull_push),
        layer_norms_(context.layer_gradient_norms) {
    require(bool(layer_norms_),
            "mgrawa needs a training loop that computes the norms of the layers' gradients "
            "(AlgorithmContext::layer_gradient_norms)");
  }

  void start_at(int64_t step) override {
    RoundsAlgorithm::start_at(step);
    weights_.reset();
  }

  AlgorithmState state() const override {
    auto state = RoundsAlgorithm::state();
    state.emplace_back("norm", weights_.state());
    return state;
  }

  void load_state(const AlgorithmState& state) override {
    weights_.load_state(state, "norm");
    RoundsAlgorithm::load_state(state);
  }

 private:
  RoundReport round(const StepInfo& info, at::Tensor& x) override {
    const double factor = push_factor(schedule_, info.progress());
    const int64_t d = x.numel();
    // Alone, a worker is its own mean; x / G * G would round it.
    if (comm_.size() == 1) return consensus_.round(x, x.clone(), x.clone(), 1, factor);

    const std::vector<double> layers = layer_norms_();
    const double weight = weights_.next({std::accumulate(layers.begin(), layers.end(), 0.0)})[0];
    const bool pushes = consensus_.pushes();
    if (!sent_.defined()) sent_ = at::empty({pushes ? 2 * d + 1 : d + 1}, x.options());
    at::Tensor center = sent_.narrow(0, 0, d), total = sent_.narrow(0, d, 1), sum;
    at::mul_out(center, x, at::Scalar(weight));
    total.fill_(weight);
    if (pushes) {
      sum = sent_.narrow(0, d + 1, d);
      sum.copy_(x);
    }
    comm_.all_reduce_sum(sent_, sent_);
    center.div_(total);
    return consensus_.round(x, center, sum, comm_.size(), factor);
  }

  PushShape schedule_;
  Consensus consensus_;
  std::function<std::vector<double>()> layer_norms_;
  GradientWeights weights_;
  at::Tensor sent_;  // [x_m / G_m, 1 / G_m, x_m], kept between rounds
};

}  // namespace

std::unique_ptr<Algorithm> make_mgrawa(const AlgorithmOptions& options,
                                       const AlgorithmContext& context) {
  return std::make_unique<Mgrawa>(options, context);
}

}  // namespace valley
