#include "valley/optim/local_optimizer.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/scalar_tensor.h>
#include <c10/core/GradMode.h>
#include <torch/optim/adamw.h>
#include <torch/optim/sgd.h>

#include <map>

#include "valley/core/error.h"
#include "valley/optim/layerwise.h"
#include "valley/optim/torch_version.h"

namespace valley {
namespace {

using torch::optim::AdamWParamState;
using torch::optim::SGDParamState;

// The fields of one torch::optim state by name; what a checkpoint keeps and sets.
std::vector<NamedTensor> fields(const SGDParamState& s) {
  return {{"momentum_buffer", s.momentum_buffer()}};
}
std::vector<NamedTensor> fields(const AdamWParamState& s) {
  return {{"step", at::scalar_tensor(s.step(), at::kLong)},
          {"exp_avg", s.exp_avg()},
          {"exp_avg_sq", s.exp_avg_sq()}};
}
void set_fields(SGDParamState& s, const std::map<std::string, at::Tensor>& f) {
  s.momentum_buffer(f.at("momentum_buffer").clone());
}
void set_fields(AdamWParamState& s, const std::map<std::string, at::Tensor>& f) {
  s.step(f.at("step").item<int64_t>());
  s.exp_avg(f.at("exp_avg").clone());
  s.exp_avg_sq(f.at("exp_avg_sq").clone());
}

template <typename Optimizer, typename Options, typename State>
class TorchOptimizer : public LocalOptimizer {
 public:
  // `make(weight_decay)` gives the options of one weight-decay group.
  template <typename MakeOptions>
  TorchOptimizer(const FlatParameters& p, const OptimizerOptions& o, const MakeOptions& make)
      : gradient_(p.gradients()), clip_norm_(o.clip_norm) {
    const int64_t d = p.size();
    const int64_t decayed = p.decayed_size();
    if (decayed > 0) add_group("decayed", p, 0, decayed);
    if (decayed < d) add_group("plain", p, decayed, d - decayed);

    std::vector<torch::optim::OptimizerParamGroup> groups;
    for (const auto& [name, tensor] : groups_) {
      groups.emplace_back(std::vector<at::Tensor>{tensor},
                          std::make_unique<Options>(make(name == "decayed" ? o.weight_decay : 0)));
    }
    optimizer_ = std::make_unique<Optimizer>(std::move(groups), make(0));
  }

  void step(double lr) override {
    if (clip_norm_ > 0) clip();
    for (auto& group : optimizer_->param_groups()) {
      static_cast<Options&>(group.options()).lr(lr);
    }
    optimizer_->step();
  }

  std::vector<NamedTensor> state() const override {
    std::vector<NamedTensor> result;
    for (const auto& [group, tensor] : groups_) {
      const auto found = optimizer_->state().find(optimizer_state_key(tensor));
      if (found == optimizer_->state().end()) continue;
      for (auto& field : fields(static_cast<const State&>(*found->second))) {
        if (field.tensor.defined()) result.push_back({group + "/" + field.name, field.tensor});
      }
    }
    return result;
  }

  void load_state(const std::vector<NamedTensor>& state) override {
    std::map<std::string, std::map<std::string, at::Tensor>> by_group;
    const at::Device device = groups_.front().tensor.device();
    for (const auto& [name, tensor] : state) {
      const size_t slash = name.find('/');
      by_group[name.substr(0, slash)][name.substr(slash + 1)] = tensor.to(device);
    }
    for (const auto& [group, tensor] : groups_) {
      const auto found = by_group.find(group);
      if (found == by_group.end()) {  // saved before the first step, or without momentum
        optimizer_->state().erase(optimizer_state_key(tensor));
        continue;
      }
      auto loaded = std::make_unique<State>();
      try {
        set_fields(*loaded, found->second);
      } catch (const std::out_of_range&) {
        throw UsageError("the checkpoint's optimizer state is of another optimizer");
      }
      for (const auto& field : fields(*loaded)) {
        require(field.tensor.dim() == 0 || field.tensor.numel() == tensor.numel(),
                "the checkpoint's optimizer state has {} values, the model {}",
                field.tensor.numel(), tensor.numel());
      }
      optimizer_->state()[optimizer_state_key(tensor)] = std::move(loaded);
      by_group.erase(found);
    }
    require(by_group.empty(), "the checkpoint's optimizer state is of another optimizer");
  }

 private:
  void clip() {
    const c10::NoGradGuard no_grad;
    shorten(gradient_, clip_norm_);
  }

  // A leaf that shares x's storage and has g's part as its gradient: what torch::optim steps on.
  void add_group(const std::string& name, const FlatParameters& p, int64_t offset, int64_t size) {
    at::Tensor leaf = p.values().narrow(0, offset, size).detach();
    leaf.set_requires_grad(true);
    leaf.mutable_grad() = p.gradients().narrow(0, offset, size);
    groups_.push_back({name, leaf});
  }

  at::Tensor gradient_;  // [d], of which the groups have parts
  double clip_norm_;
  std::vector<NamedTensor> groups_;
  std::unique_ptr<Optimizer> optimizer_;
};

}  // namespace

void shorten(at::Tensor& gradient, double clip_norm) {
  gradient.mul_((clip_norm / (gradient.norm() + 1e-6)).clamp_max(1));
}

std::unique_ptr<LocalOptimizer> make_optimizer(const OptimizerOptions& o,
                                               const FlatParameters& parameters) {
  check(o);
  if (o.kind == OptimizerKind::kLars) return make_lars(o, parameters);
  if (o.kind == OptimizerKind::kLamb) return make_lamb(o, parameters);
  // The learning rate is set before every step; this one is never used.
  constexpr double kUnused = 1.0;
  if (o.kind == OptimizerKind::kAdamW) {
    using Options = torch::optim::AdamWOptions;
    return std::make_unique<TorchOptimizer<torch::optim::AdamW, Options, AdamWParamState>>(
        parameters, o, [&](double weight_decay) {
          Options options(kUnused);
          options.betas({o.beta1, o.beta2}).weight_decay(weight_decay);
          return options;
        });
  }
  using Options = torch::optim::SGDOptions;
  return std::make_unique<TorchOptimizer<torch::optim::SGD, Options, SGDParamState>>(
      parameters, o, [&](double weight_decay) {
        Options options(kUnused);
        options.momentum(o.momentum_in_force()).nesterov(o.nesterov).weight_decay(weight_decay);
        return options;
      });
}

}  // namespace valley
