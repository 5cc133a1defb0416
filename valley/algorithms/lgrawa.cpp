#include "valley/algorithms/lgrawa.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/mul.h>

#include "valley/algorithms/consensus.h"
#include "valley/algorithms/gradient_weights.h"
#include "valley/algorithms/rounds.h"
#include "valley/core/error.h"

namespace valley {
namespace {

class Lgrawa : public RoundsAlgorithm {
 public:
  Lgrawa(const AlgorithmOptions& options, const AlgorithmContext& context)
      : RoundsAlgorithm(options, context),
        schedule_(options.push_schedule),
        consensus_(options.pull_push),
        layer_norms_(context.layer_gradient_norms),
        layers_(context.layers) {
    require(bool(layer_norms_) && !layers_.empty(),
            "lgrawa needs a training loop that knows the layers and computes the norms of their "
            "gradients (AlgorithmContext::layers, layer_gradient_norms)");
  }

  void start_at(int64_t step) override {
    RoundsAlgorithm::start_at(step);
    weights_.reset();
  }

  AlgorithmState state() const override {
    auto state = RoundsAlgorithm::state();
    state.emplace_back("norms", weights_.state());
    return state;
  }

  void load_state(const AlgorithmState& state) override {
    weights_.load_state(state, "norms");
    RoundsAlgorithm::load_state(state);
  }

 private:
  RoundReport round(const StepInfo& info, at::Tensor& x) override {
    const double factor = push_factor(schedule_, info.progress());
    // Alone, a worker is its own mean; x / G * G would round it.
    if (comm_.size() == 1) return consensus_.round(x, x.clone(), x.clone(), 1, factor);

    const auto d = x.numel(), count = static_cast<int64_t>(layers_.size());
    const std::vector<double> weights = weights_.next(layer_norms_());
    const bool pushes = consensus_.pushes();
    if (!sent_.defined()) sent_ = at::empty({(pushes ? 2 * d : d) + count}, x.options());
    at::Tensor center = sent_.narrow(0, 0, d), totals = sent_.narrow(0, d, count), sum;
    for (int64_t l = 0; l < count; ++l) {
      const auto& [offset, size] = layers_[size_t(l)];
      at::Tensor part = center.narrow(0, offset, size);
      at::mul_out(part, x.narrow(0, offset, size), at::Scalar(weights[size_t(l)]));
      totals.narrow(0, l, 1).fill_(weights[size_t(l)]);
    }
    if (pushes) {
      sum = sent_.narrow(0, d + count, d);
      sum.copy_(x);
    }
    comm_.all_reduce_sum(sent_, sent_);
    for (int64_t l = 0; l < count; ++l) {
      const auto& [offset, size] = layers_[size_t(l)];
      center.narrow(0, offset, size).div_(totals.narrow(0, l, 1));
    }
    return consensus_.round(x, center, sum, comm_.size(), factor);
  }

  PushShape schedule_;
  Consensus consensus_;
  std::function<std::vector<double>()> layer_norms_;
  std::vector<LayerRange> layers_;
  GradientWeights weights_;
  at::Tensor sent_;  // [x_m / G_ml by layer, 1 / G_ml, x_m], kept between rounds
};

}  // namespace

std::unique_ptr<Algorithm> make_lgrawa(const AlgorithmOptions& options,
                                       const AlgorithmContext& context) {
  return std::make_unique<Lgrawa>(options, context);
}

}  // namespace valley
