#include "valley/algorithms/mgrawa.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>

#include "valley/algorithms/consensus.h"
#include "valley/algorithms/rounds.h"
#include "valley/core/error.h"

namespace valley {
namespace {

constexpr double kSmoothing = 0.43;                   // b
constexpr double kSmallest = 1e-12, kLargest = 1e12;  // norms; float32 holds their inverses times x

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
    norm_ = count_ = 0;
  }

  std::vector<std::pair<std::string, at::Tensor>> state() const override {
    auto state = RoundsAlgorithm::state();
    state.emplace_back("norm", at::tensor({norm_, count_}, at::kDouble));
    return state;
  }

  void load_state(const std::vector<std::pair<std::string, at::Tensor>>& state) override {
    const at::Tensor norm = find_state(state, "norm");
    require(norm.scalar_type() == at::kDouble && norm.numel() == 2,
            "the checkpoint's gradient norm is damaged");
    RoundsAlgorithm::load_state(state);
    norm_ = norm.data_ptr<double>()[0];
    count_ = norm.data_ptr<double>()[1];
  }

 private:
  RoundReport round(const StepInfo& info, at::Tensor& x) override {
    const double progress = double(info.step + 1) / double(info.total_steps);
    const double factor = push_factor(schedule_, progress);
    const int64_t d = x.numel();
    // Alone, a worker is its own mean; x / G * G would round it.
    if (comm_.size() == 1) return consensus_.round(x, x.clone(), x.clone(), 1, factor);

    const double weight = 1 / smoothed_norm();
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

  double smoothed_norm() {
    double norm = 0;
    for (const double layer : layer_norms_()) norm += layer;
    if (std::isnan(norm)) norm = kLargest;  // no ground for trust
    norm_ = kSmoothing * norm_ + (1 - kSmoothing) * std::clamp(norm, kSmallest, kLargest);
    return norm_ / (1 - std::pow(kSmoothing, ++count_));
  }

  PushShape schedule_;
  Consensus consensus_;
  std::function<std::vector<double>()> layer_norms_;
  at::Tensor sent_;              // [x_m / G_m, 1 / G_m, x_m], kept between rounds
  double norm_ = 0, count_ = 0;  // G before the correction, n
};

}  // namespace

std::unique_ptr<Algorithm> make_mgrawa(const AlgorithmOptions& options,
                                       const AlgorithmContext& context) {
  return std::make_unique<Mgrawa>(options, context);
}

}  // namespace valley
