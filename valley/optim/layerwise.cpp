#include "valley/optim/layerwise.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "valley/core/error.h"

namespace valley {
namespace {

class LayerwiseOptimizer : public LocalOptimizer {
 public:
  LayerwiseOptimizer(const OptimizerOptions& options, const FlatParameters& p, double trust)
      : options_(options),
        trust_(options.trust.value_or(trust)),
        decayed_(p.decayed_size()),
        layers_(p.ranges()),
        x_(p.values()),
        g_(p.gradients()) {}

  void step(double lr) override {
    const c10::NoGradGuard no_grad;
    if (options_.clip_norm > 0) shorten(g_, options_.clip_norm);
    begin();
    for (const NamedRange& layer : layers_) {
      const auto of = [&](const at::Tensor& v) { return v.narrow(0, layer.offset, layer.size); };
      const bool decays = layer.offset < decayed_;
      at::Tensor x = of(x_), u = direction(of, decays ? options_.weight_decay : 0);
      if (decays) u.mul_(ratio(x, u));
      apply(of, u, lr);
    }
  }

  std::vector<NamedTensor> state() const override {
    std::vector<NamedTensor> result;
    if (steps_ == 0) return result;
    result.push_back({"layers/step", at::scalar_tensor(steps_, at::kLong)});
    for (const auto& [name, vector] : kept_) result.push_back({"layers/" + name, *vector});
    return result;
  }

  void load_state(const std::vector<NamedTensor>& state) override {
    const size_t expected = state.empty() ? 0 : kept_.size() + 1;
    require(state.size() == expected, "the checkpoint's optimizer state is of another optimizer");
    steps_ = 0;
    for (auto& entry : kept_) entry.second->reset();
    for (size_t i = 0; i < expected; ++i) {
      const auto& [name, tensor] = state[i];
      if (i == 0) {
        require(name == "layers/step", "the checkpoint's optimizer state is of another optimizer");
        steps_ = tensor.item<int64_t>();
        continue;
      }
      const auto& [own, vector] = kept_[i - 1];
      require(name == "layers/" + own, "the checkpoint's optimizer state is of another optimizer");
      require(tensor.numel() == x_.numel(),
              "the checkpoint's optimizer state has {} values, the model {}", tensor.numel(),
              x_.numel());
      *vector = tensor.to(x_.device()).clone();
    }
  }

 protected:
  using Of = std::function<at::Tensor(const at::Tensor&)>;

  void keep(std::string name, at::Tensor& vector) { kept_.emplace_back(std::move(name), &vector); }

  const OptimizerOptions& options() const { return options_; }
  const at::Tensor& x() const { return x_; }
  const at::Tensor& g() const { return g_; }
  int64_t steps() const { return steps_; }

 private:
  // `of` gives a layer's part of a flat vector.
  virtual at::Tensor direction(const Of& of, double weight_decay) = 0;
  virtual void apply(const Of& of, const at::Tensor& u, double lr) = 0;

  void begin() {
    ++steps_;
    for (auto& entry : kept_) {
      if (!entry.second->defined()) *entry.second = at::zeros_like(x_);
    }
  }

  at::Tensor ratio(const at::Tensor& x, const at::Tensor& u) const {
    const at::Tensor size = x.norm(), length = u.norm();
    return at::where(size.gt(0).logical_and(length.gt(0)),
                     size.div(length).mul(trust_).clamp_max(options_.trust_limit),
                     at::scalar_tensor(1.0, x.options()));
  }

  OptimizerOptions options_;
  double trust_;
  int64_t decayed_, steps_ = 0;
  std::vector<NamedRange> layers_;
  at::Tensor x_, g_;
  std::vector<std::pair<std::string, at::Tensor*>> kept_;  // undefined before the first step
};

class Lars : public LayerwiseOptimizer {
 public:
  Lars(const OptimizerOptions& options, const FlatParameters& p)
      : LayerwiseOptimizer(options, p, 0.001) {
    keep("momentum_buffer", momentum_);
  }

 private:
  at::Tensor direction(const Of& of, double weight_decay) override {
    return of(g()).add(of(x()), weight_decay);
  }

  void apply(const Of& of, const at::Tensor& u, double lr) override {
    const double mu = options().momentum_in_force();
    at::Tensor x_l = of(x()), v = of(momentum_);
    v.mul_(mu).add_(u);
    x_l.sub_(options().nesterov ? u.add(v, mu) : v, lr);
  }

  at::Tensor momentum_;  // v, [d]
};

class Lamb : public LayerwiseOptimizer {
 public:
  Lamb(const OptimizerOptions& options, const FlatParameters& p)
      : LayerwiseOptimizer(options, p, 1) {
    keep("exp_avg", mean_);
    keep("exp_avg_sq", square_);
  }

 private:
  at::Tensor direction(const Of& of, double weight_decay) override {
    const auto& [b1, b2] = std::pair{options().beta1, options().beta2};
    const at::Tensor g_l = of(g());
    at::Tensor m = of(mean_), v = of(square_);
    m.mul_(b1).add_(g_l, 1 - b1);
    v.mul_(b2).addcmul_(g_l, g_l, 1 - b2);
    const double t = double(steps());
    const at::Tensor size = v.div(1 - std::pow(b2, t)).sqrt_().add_(1e-8);
    return m.div(1 - std::pow(b1, t)).div_(size).add_(of(x()), weight_decay);
  }

  void apply(const Of& of, const at::Tensor& u, double lr) override {
    at::Tensor x_l = of(x());
    x_l.sub_(u, lr);
  }

  at::Tensor mean_, square_;  // m and v, [d]
};

}  // namespace

std::unique_ptr<LocalOptimizer> make_lars(const OptimizerOptions& options,
                                          const FlatParameters& parameters) {
  return std::make_unique<Lars>(options, parameters);
}

std::unique_ptr<LocalOptimizer> make_lamb(const OptimizerOptions& options,
                                          const FlatParameters& parameters) {
  return std::make_unique<Lamb>(options, parameters);
}

}  // namespace valley
