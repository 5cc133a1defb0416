#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

#include "valley/core/error.h"
#include "valley/models/model.h"
#include "valley/optim/flat_parameters.h"
#include "valley/optim/local_optimizer.h"

namespace valley::optim_test {
namespace {

// weight [2, 3], bias [3], a float buffer and a counter: y = x weight + bias + shift.
class TinyModel : public Model {
 public:
  explicit TinyModel(at::ScalarType bias_type = at::kDouble) {
    weight = at::randn({2, 3}, at::kDouble).set_requires_grad(true);
    bias = at::randn({3}, bias_type).set_requires_grad(true);
    shift = at::full({3}, 0.5, at::kDouble);
    counter = at::zeros({}, at::kLong);
  }
  at::Tensor forward(const at::Tensor& input) override {
    return input.matmul(weight) + bias + shift;
  }
  std::vector<NamedTensor> parameters() override { return {{"bias", bias}, {"weight", weight}}; }
  std::vector<NamedTensor> buffers() override { return {{"shift", shift}, {"counter", counter}}; }
  void train(bool) override {}

  at::Tensor weight, bias, shift, counter;
};

TEST(FlatParameters, ParametersAreViewsOfOneVector) {
  TinyModel model;
  const at::Tensor weight = model.weight.detach().clone();
  FlatParameters flat(model.parameters(), model.buffers());
  ASSERT_EQ(flat.size(), 9);
  EXPECT_EQ(flat.decayed_size(), 9);
  ASSERT_EQ(flat.ranges().size(), 2u);
  EXPECT_EQ(flat.ranges()[0].name, "bias");
  EXPECT_EQ(flat.ranges()[1].offset, 3);
  EXPECT_EQ(flat.ranges()[1].shape, (std::vector<int64_t>{2, 3}));
  EXPECT_TRUE(at::equal(model.weight.detach(), weight));

  at::Tensor(flat.values()).fill_(2);
  EXPECT_TRUE(at::equal(model.weight.detach(), at::full({2, 3}, 2, at::kDouble)));
  at::Tensor(flat.buffers()).fill_(7);
  EXPECT_TRUE(at::equal(model.shift, at::full({3}, 7, at::kDouble)));
  ASSERT_EQ(flat.other_buffers().size(), 1u);
  EXPECT_EQ(flat.other_buffers()[0].name, "counter");
}

TEST(FlatParameters, BackwardAddsIntoTheFlatGradient) {
  TinyModel model;
  FlatParameters flat(model.parameters(), model.buffers());
  const at::Tensor input = at::ones({4, 2}, at::kDouble);
  model.forward(input).sum().backward();
  EXPECT_TRUE(at::equal(flat.gradients(), at::full({9}, 4, at::kDouble)));
  model.forward(input).sum().backward();
  EXPECT_TRUE(at::equal(flat.gradients(), at::full({9}, 8, at::kDouble)));
  at::Tensor(flat.gradients()).zero_();
  EXPECT_TRUE(at::equal(model.bias.grad(), at::zeros({3}, at::kDouble)));
}

TEST(FlatParameters, MatricesOnlyDecayComesFirst) {
  TinyModel model;
  FlatParameters flat(model.parameters(), model.buffers(), DecayRule::kMatrices);
  EXPECT_EQ(flat.ranges()[0].name, "weight");
  EXPECT_EQ(flat.decayed_size(), 6);
}

TEST(FlatParameters, MixedTypesAreRejected) {
  TinyModel model(at::kFloat);
  try {
    FlatParameters flat(model.parameters(), model.buffers());
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(),
                 "all parameters must be of one type; bias is float32 and weight is float64");
  }
}

TEST(BorrowedValues, GivesEverythingBackAlsoAfterAnException) {
  TinyModel model;
  FlatParameters flat(model.parameters(), model.buffers());
  const at::Tensor before = flat.values().clone();
  try {
    BorrowedValues borrowed(flat, at::zeros({9}, at::kDouble));
    EXPECT_EQ(model.weight.abs().sum().item<double>(), 0);
    model.shift.fill_(9);
    model.counter.fill_(3);
    throw std::runtime_error("left early");
  } catch (const std::runtime_error&) {
  }
  EXPECT_TRUE(at::equal(flat.values(), before));
  EXPECT_EQ(model.shift[0].item<double>(), 0.5);
  EXPECT_EQ(model.counter.item<int64_t>(), 0);
}

// Nesterov with weight decay, by hand: d = g + wd x; v = mu v + d; x -= lr (d + mu v).
TEST(LocalOptimizer, NesterovFollowsTheFormula) {
  TinyModel model;
  FlatParameters flat(model.parameters(), model.buffers(), DecayRule::kMatrices);
  auto optimizer = make_optimizer({.momentum = 0.9, .nesterov = true, .weight_decay = 0.1}, flat);
  at::Tensor x = flat.values().clone(), v = at::zeros({9}, at::kDouble);
  at::Tensor decay = at::zeros({9}, at::kDouble);
  decay.narrow(0, 0, 6).fill_(0.1);
  for (int k = 0; k < 5; ++k) {
    const double lr = 0.1 / (k + 1);
    const at::Tensor g = at::randn({9}, at::kDouble);
    at::Tensor(flat.gradients()).copy_(g);
    optimizer->step(lr);
    const at::Tensor direction = g + decay * x;
    v = v * 0.9 + direction;
    x = x - (direction + v * 0.9) * lr;
    EXPECT_TRUE(at::allclose(flat.values(), x, 1e-12, 1e-12));
  }
}

class OptimizerState : public testing::TestWithParam<OptimizerOptions> {};

TEST_P(OptimizerState, RestoredContinuesWithTheSameBits) {
  TinyModel model, twin;
  FlatParameters flat(model.parameters(), model.buffers(), DecayRule::kMatrices),
      twin_flat(twin.parameters(), twin.buffers(), DecayRule::kMatrices);
  auto optimizer = make_optimizer(GetParam(), flat);
  const auto step = [](const FlatParameters& p, LocalOptimizer& o, int k) {
    at::Tensor(p.gradients()).copy_(p.values() * (k + 1));
    o.step(0.01);
  };
  EXPECT_TRUE(optimizer->state().empty());
  for (int k = 0; k < 3; ++k) step(flat, *optimizer, k);

  at::Tensor(twin_flat.values()).copy_(flat.values());
  auto resumed = make_optimizer(GetParam(), twin_flat);
  std::vector<NamedTensor> saved;
  for (auto& [name, tensor] : optimizer->state()) saved.push_back({name, tensor.clone()});
  resumed->load_state(saved);
  for (int k = 3; k < 6; ++k) {
    step(flat, *optimizer, k);
    step(twin_flat, *resumed, k);
  }
  EXPECT_TRUE(at::equal(flat.values(), twin_flat.values()));
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, OptimizerState,
    testing::Values(OptimizerOptions{.momentum = 0.9, .nesterov = true, .weight_decay = 1e-3},
                    OptimizerOptions{.momentum = 0}, OptimizerOptions{.clip_norm = 0.5},
                    OptimizerOptions{.kind = OptimizerKind::kAdamW, .weight_decay = 0.01},
                    OptimizerOptions{.kind = OptimizerKind::kLars, .weight_decay = 0.01},
                    OptimizerOptions{.kind = OptimizerKind::kLamb, .weight_decay = 0.01}));

// A trust that makes every ratio larger than a limit of 1 leaves the ratio 1.
TEST(Layerwise, WithRatiosOfOneAreSgdAndAdamW) {
  using Kind = OptimizerKind;
  const auto end = [](OptimizerOptions options) {
    TinyModel model;
    for (auto& [name, tensor] : model.parameters()) tensor.detach().fill_(name == "bias" ? 2 : -3);
    FlatParameters flat(model.parameters(), model.buffers());
    options.trust = 1e9;
    options.trust_limit = 1;
    const auto optimizer = make_optimizer(options, flat);
    for (int k = 0; k < 6; ++k) {
      at::Tensor(flat.gradients()).copy_((flat.values() * (k + 1)).sin());
      optimizer->step(0.05);
    }
    return flat.values().clone();
  };
  for (const auto& [one, other] :
       {std::pair{Kind::kLars, Kind::kSgd}, {Kind::kLamb, Kind::kAdamW}}) {
    const OptimizerOptions options = {.momentum = 0.8, .nesterov = true, .weight_decay = 0.1};
    OptimizerOptions first = options, second = options;
    first.kind = one;
    second.kind = other;
    EXPECT_LT((end(first) - end(second)).abs().max().item<double>(), 1e-13);
  }
}

// bias [3] of length 2 sqrt(3), weight [2, 3] of length 3 sqrt(6): a step is that times lr times
// the trust, along the gradient, whatever its length; what does not decay takes it as it is.
TEST(Layerwise, AStepIsAShareOfTheLayer) {
  for (const DecayRule rule : {DecayRule::kAll, DecayRule::kMatrices}) {
    TinyModel model;
    for (auto& [name, tensor] : model.parameters()) tensor.detach().fill_(name == "bias" ? 2 : -3);
    FlatParameters flat(model.parameters(), model.buffers(), rule);
    const at::Tensor before = flat.values().clone();
    const auto lars =
        make_optimizer({.kind = OptimizerKind::kLars, .momentum = 0, .trust = 0.01}, flat);
    at::Tensor(flat.gradients()).fill_(7);
    lars->step(0.5);
    const at::Tensor step = before - flat.values();
    for (const NamedRange& layer : flat.ranges()) {
      const double length = step.narrow(0, layer.offset, layer.size).norm().item<double>();
      const bool bias = layer.name == "bias";
      const double size = (bias ? 2 : 3) * std::sqrt(double(layer.size));
      const bool plain = bias && rule == DecayRule::kMatrices;
      EXPECT_NEAR(length, plain ? 0.5 * 7 * std::sqrt(3) : 0.5 * 0.01 * size, 1e-12) << layer.name;
    }
  }
}

TEST(Layerwise, TheRatioHasALimitAndZerosAreOne) {
  TinyModel model;
  for (auto& [name, tensor] : model.parameters()) tensor.detach().fill_(name == "bias" ? 0 : 4);
  FlatParameters flat(model.parameters(), model.buffers());
  const auto lars = make_optimizer(
      {.kind = OptimizerKind::kLars, .momentum = 0, .trust = 1.0, .trust_limit = 5}, flat);
  const at::Tensor before = flat.values().clone();
  at::Tensor(flat.gradients()).fill_(0.1);
  lars->step(1);
  const at::Tensor step = before - flat.values();
  EXPECT_NEAR(step[0].item<double>(), 0.1, 1e-15);  // of the bias
  EXPECT_NEAR(step[8].item<double>(), 0.5, 1e-15);  // the ratio would be 40
}

// As torch.nn.utils.clip_grad_norm_ does it, over all parameters together.
TEST(LocalOptimizer, ALongGradientIsShortened) {
  for (const auto& [clip, expected] : {std::pair{0.0, 10.0}, {20.0, 10.0}, {1.0, 1.0}}) {
    TinyModel model;
    FlatParameters flat(model.parameters(), model.buffers());
    const auto optimizer = make_optimizer({.momentum = 0, .clip_norm = clip}, flat);
    const at::Tensor before = flat.values().clone();
    at::Tensor(flat.gradients()).zero_();
    flat.gradients()[0].fill_(6);  // of the bias
    flat.gradients()[8].fill_(-8);
    optimizer->step(1);
    const at::Tensor step = before - flat.values();
    EXPECT_NEAR(step.norm().item<double>(), expected, 2e-6);
    EXPECT_NEAR(step[0].item<double>() / step[8].item<double>(), -0.75, 1e-9);
  }
}

TEST(LocalOptimizer, AStateFromBeforeTheFirstStepForgetsAllSteps) {
  TinyModel model;
  FlatParameters flat(model.parameters(), model.buffers());
  const auto fresh = make_optimizer({}, flat), used = make_optimizer({}, flat);
  at::Tensor(flat.gradients()).fill_(1);
  used->step(0.1);
  ASSERT_FALSE(used->state().empty());
  used->load_state(fresh->state());
  EXPECT_TRUE(used->state().empty());
}

TEST(LocalOptimizer, ForeignStateIsRejected) {
  TinyModel model;
  FlatParameters flat(model.parameters(), model.buffers());
  auto sgd = make_optimizer({}, flat);
  EXPECT_THROW(sgd->load_state({{"decayed/exp_avg", at::zeros({9})}}), UsageError);
  EXPECT_THROW(sgd->load_state({{"decayed/momentum_buffer", at::zeros({4})}}), UsageError);
  EXPECT_THROW(sgd->load_state({{"plain/momentum_buffer", at::zeros({9})}}), UsageError);
}

TEST(LocalOptimizer, OptionsOutOfRangeNameThemselves) {
  TinyModel model;
  FlatParameters flat(model.parameters(), model.buffers());
  const auto message = [&](const OptimizerOptions& options) -> std::string {
    try {
      make_optimizer(options, flat);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(message({.momentum = 1}), "momentum must be in [0, 1), got 1");
  EXPECT_EQ(message({.momentum = 0, .nesterov = true}), "nesterov needs momentum above 0");
  EXPECT_EQ(message({.weight_decay = -1}), "weight-decay must be at least 0, got -1");
  EXPECT_EQ(message({.kind = OptimizerKind::kAdamW, .beta1 = 1}), "beta1 must be in [0, 1), got 1");
  EXPECT_EQ(message({.kind = OptimizerKind::kAdamW, .beta2 = -0.5}),
            "beta2 must be in [0, 1), got -0.5");
  EXPECT_THROW(kOptimizers.parse("sdg"), UsageError);
}

}  // namespace
}  // namespace valley::optim_test
