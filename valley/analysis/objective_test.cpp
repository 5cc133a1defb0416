#include "valley/analysis/objective.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/ctc_loss.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_eigvalsh.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>

#include <cmath>

#include "valley/analysis/hutchinson.h"
#include "valley/analysis/lanczos.h"
#include "valley/comm/group.h"
#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/evaluation/batch_norm.h"
#include "valley/evaluation/evaluate.h"
#include "valley/models/registry.h"
#include "valley/models/scripted.h"
#include "valley/models/wrap.h"
#include "valley/testing/normals.h"

namespace valley::objective_test {
namespace {

constexpr int64_t kInputs = 4, kHidden = 3, kClasses = 3, kExamples = 21;
constexpr int64_t kSize = kHidden * kInputs + kHidden + kClasses * kHidden + kClasses;

std::shared_ptr<const Dataset> few_data() {
  auto data = std::make_shared<Dataset>();
  data->inputs = normals({kExamples, 1, 2, 2}, 3, at::kFloat);
  data->targets = at::empty({kExamples}, at::kLong);
  for (int64_t i = 0; i < kExamples; ++i) data->targets[i] = i * i % kClasses;
  data->classes = kClasses;
  data->mean = {0};
  data->stddev = {1};
  return data;
}

// W2 tanh(W1 u + b1) + b2 in double, so that derivatives can be compared closely.
struct TwoLayers : torch::nn::Module {
  TwoLayers() {
    fc1 = register_module("fc1", torch::nn::Linear(kInputs, kHidden));
    fc2 = register_module("fc2", torch::nn::Linear(kHidden, kClasses));
    to(at::kDouble);
    uint64_t seed = 0;
    for (auto& p : parameters()) p.set_data(normals(p.sizes(), ++seed));
  }
  at::Tensor forward(const at::Tensor& u) {
    return fc2(at::tanh(fc1(u.flatten(1).to(at::kDouble))));
  }
  torch::nn::Linear fc1{nullptr}, fc2{nullptr};
};

std::unique_ptr<Model> two_layers() { return wrap(std::make_shared<TwoLayers>()); }

// The same loss, written with x [d] alone: parameters lie in state_dict order.
at::Tensor direct_loss(const at::Tensor& x, const Dataset& data) {
  const at::Tensor u = data.inputs.flatten(1).to(at::kDouble);
  int64_t at = 0;
  const auto take = [&](at::IntArrayRef shape) {
    const int64_t n = c10::multiply_integers(shape);
    at += n;
    return x.narrow(0, at - n, n).view(shape);
  };
  const at::Tensor w1 = take({kHidden, kInputs}), b1 = take({kHidden});
  const at::Tensor w2 = take({kClasses, kHidden}), b2 = take({kClasses});
  return at::cross_entropy_loss(at::linear(at::tanh(at::linear(u, w1, b1)), w2, b2), data.targets);
}

at::Tensor direct_gradient(const at::Tensor& x, const Dataset& data, bool create_graph = false) {
  return torch::autograd::grad({direct_loss(x, data)}, {x}, {}, create_graph, create_graph)[0];
}

at::Tensor direct_hessian(const at::Tensor& x, const Dataset& data) {
  const at::Tensor g = direct_gradient(x, data, true);
  std::vector<at::Tensor> rows;
  for (int64_t i = 0; i < x.numel(); ++i) {
    rows.push_back(torch::autograd::grad({g[i]}, {x}, {}, true)[0]);
  }
  return at::stack(rows);
}

void expect_close(const at::Tensor& actual, const at::Tensor& expected, double tolerance) {
  ASSERT_EQ(actual.sizes(), expected.sizes());
  EXPECT_LE((actual - expected).abs().max().item<double>(), tolerance);
}

// Whatever the threads and the batches: 21 examples in batches of 8 are 8, 8 and 5.
TEST(Objective, IsTheLossAndItsDerivativesOfATwoLayerNet) {
  const auto data = few_data();
  const at::Tensor x = normals({kSize}, 7).mul_(0.5).requires_grad_(true);
  const at::Tensor point = x.detach(), hessian = direct_hessian(x, *data);
  const at::Tensor u = normals({kSize}, 8), v = normals({kSize}, 9);
  for (const int threads : {1, 2, 3}) {
    Objective objective(two_layers, data, *data,
                        {.threads = threads, .batch_size = 10, .derivative_batch_size = 8});
    EXPECT_EQ(objective.threads(), threads);
    EXPECT_EQ(objective.size(), kSize);
    EXPECT_EQ(objective.examples(), kExamples);
    EXPECT_EQ(objective.ranges()[2].name, "fc2.weight");
    EXPECT_NEAR(objective.loss(point), direct_loss(x, *data).item<double>(), 1e-12);
    const LossGradient at = objective.gradient(point);
    EXPECT_NEAR(at.loss, direct_loss(x, *data).item<double>(), 1e-12);
    expect_close(at.gradient, direct_gradient(x, *data), 1e-12);
    const auto products = objective.hessian_products(point, {u, v});
    expect_close(products[0], hessian.matmul(u), 1e-11);
    expect_close(products[1], hessian.matmul(v), 1e-11);
    expect_close(objective.hessian_products(point, {v})[0], products[1], 1e-13);
    EXPECT_TRUE(objective.hessian_products(point, {}).empty());
    // The models are as they were made.
    const auto fresh = two_layers();
    EXPECT_TRUE(at::equal(objective.start(),
                          FlatParameters(fresh->parameters(), fresh->buffers()).values()));
  }
}

// Lanczos and Hutchinson on products with the Hessian, against the Hessian itself.
TEST(Objective, ItsSpectrumIsThatOfTheDenseHessian) {
  const auto data = few_data();
  const at::Tensor x = normals({kSize}, 7).mul_(0.5).requires_grad_(true);
  const at::Tensor point = x.detach(), hessian = direct_hessian(x, *data);
  const at::Tensor expected = at::linalg_eigvalsh(hessian);
  Objective objective(two_layers, data, *data, {.threads = 2, .derivative_batch_size = 8});
  const SymmetricProducts products = [&](const std::vector<at::Tensor>& vs) {
    return objective.hessian_products(point, vs);
  };
  LanczosRun run(normals({kSize}, 8), kSize);
  while (!run.done()) run.absorb(products({run.vector()})[0]);
  const Ritz ritz = run.ritz();
  // The softmax does not change when all logits do: there are directions of no curvature.
  const double scale = expected.abs().max().item<double>();
  ASSERT_GE(ritz.values.size(), 24u);
  for (size_t i = 0; i < 5; ++i) {
    const double largest = expected[kSize - 1 - static_cast<int64_t>(i)].item<double>();
    EXPECT_NEAR(ritz.values[ritz.values.size() - 1 - i], largest, 1e-4 * largest);
  }
  EXPECT_NEAR(ritz.values[0], expected[0].item<double>(), 1e-4 * scale);
  const HessianMoments moments = hutchinson(products, point, {.draws = 40});
  EXPECT_NEAR(moments.trace.value, expected.sum().item<double>(), 3 * moments.trace.standard_error);
  EXPECT_NEAR(moments.frobenius.value, hessian.norm().item<double>(),
              3 * moments.frobenius.standard_error);
}

TEST(Objective, EqualCallsGiveEqualBits) {
  const auto data = few_data();
  const at::Tensor x = normals({kSize}, 7), v = normals({kSize}, 8);
  Objective objective(two_layers, data, *data, {.threads = 3, .derivative_batch_size = 2});
  EXPECT_EQ(objective.loss(x), objective.loss(x));
  EXPECT_TRUE(at::equal(objective.gradient(x).gradient, objective.gradient(x).gradient));
  EXPECT_TRUE(
      at::equal(objective.hessian_products(x, {v})[0], objective.hessian_products(x, {v})[0]));
}

TEST(Objective, ScoresAreThoseOfAnEvaluation) {
  const DataSplits data = load_data("blobs", {.train_samples = 150, .test_samples = 10});
  const auto make = [] { return make_model("mlp", {.seed = 1}); };
  Objective objective(make, data.train, *data.train, {.threads = 2, .batch_size = 40});
  const auto model = make();
  const FlatParameters parameters(model->parameters(), model->buffers());
  const auto solo = make_solo();
  const Scores expected = evaluate(*model, data.train, *data.train, *solo);
  const PointScores scores = objective.scores(parameters.values());
  EXPECT_NEAR(scores.loss, expected.loss(), 1e-6);
  EXPECT_EQ(scores.scores["accuracy"], expected["accuracy"]);
  EXPECT_EQ(scores.error, 1 - expected["accuracy"]);
  // At zero every class is as likely as any other.
  EXPECT_NEAR(objective.scores(at::zeros({objective.size()})).entropy, std::log(10.0), 1e-6);
  EXPECT_EQ(objective.scores(parameters.values() * 1000).entropy, 0);
}

TEST(Objective, TellsWhatACallCosts) {
  const auto data = few_data();
  std::vector<double> told;
  Objective objective(two_layers, data, *data,
                      {.on_passes = [&](double passes) { told.push_back(passes); }});
  const at::Tensor x = normals({kSize}, 7);
  objective.loss(x);
  objective.gradient(x);
  objective.hessian_products(x, {x});
  objective.hessian_products(x, {x, x});
  EXPECT_EQ(told, (std::vector<double>{1, 3, 9, 15}));
  EXPECT_EQ(objective.threads(), 1);  // one batch keeps one busy
}

struct Normed : torch::nn::Module {
  Normed() {
    bn = register_module("bn", torch::nn::BatchNorm1d(4));
    fc = register_module("fc", torch::nn::Linear(4, 3));
    torch::NoGradGuard no_grad;
    fc->weight.copy_(normals({3, 4}, 1));
    fc->bias.zero_();
    bn->running_mean.fill_(0.5);
  }
  at::Tensor forward(const at::Tensor& u) { return fc(bn(u.flatten(1))); }
  torch::nn::BatchNorm1d bn{nullptr};
  torch::nn::Linear fc{nullptr};
};

TEST(Objective, BatchNormKeepsItsStatisticsOrFollowsTheProbe) {
  const auto data = few_data();
  const auto make = [] { return wrap(std::make_shared<Normed>()); };
  for (const int threads : {1, 2}) {
    Objective fixed(make, data, *data, {.threads = threads, .derivative_batch_size = 8});
    Objective following(
        make, data, *data,
        {.threads = threads, .derivative_batch_size = 8, .batch_norm = BatchNormAt::kProbe});
    const at::Tensor x = fixed.start().clone();

    const auto model = make();
    const FlatParameters parameters(model->parameters(), model->buffers());
    const auto solo = make_solo();
    EXPECT_NEAR(fixed.loss(x), evaluate(*model, data, *data, *solo).loss(), 1e-6);
    reestimate_batch_norm(*model, parameters, data, *solo);
    const double normalised = evaluate(*model, data, *data, *solo).loss();
    EXPECT_NEAR(following.loss(x), normalised, 1e-6);
    EXPECT_GT(std::abs(fixed.loss(x) - normalised), 1e-3);
    // Derivatives have the statistics of the model, after a probe as well.
    expect_close(following.gradient(x).gradient, fixed.gradient(x).gradient, 0);
  }
}

// ctc_loss's backward has no derivative.
struct Aligning : torch::nn::Module {
  Aligning() { scale = register_parameter("scale", at::ones({1})); }
  at::Tensor forward(const at::Tensor& u) {
    const at::Tensor logs = (at::arange(12, at::kFloat).view({4, 1, 3}) * scale).log_softmax(2);
    const at::Tensor loss = at::ctc_loss(logs, at::ones({1, 2}, at::kLong), {4}, {2});
    return u.flatten(1) * scale + loss;
  }
  at::Tensor scale;
};

TEST(Objective, SaysWhatIsWrong) {
  const auto data = few_data();
  const auto aligning = [] { return wrap(std::make_shared<Aligning>()); };
  Objective once(aligning, data, *data);
  const at::Tensor one = at::ones({1});
  EXPECT_GT(once.gradient(one).loss, 0);
  EXPECT_EQ(error_of<UsageError>([&] { once.hessian_products(one, {one}); }),
            "the network has no second derivative in LibTorch: derivative for "
            "aten::_ctc_loss_backward is not implemented");
  Objective objective(two_layers, data, *data);
  EXPECT_EQ(error_of<UsageError>([&] { objective.loss(one); }),
            "the point has 1 values, the model 27");
  EXPECT_EQ(error_of<UsageError>([&] { objective.hessian_products(objective.start(), {one}); }),
            "the direction has 1 values, the model 27");
  EXPECT_EQ(error_of<UsageError>([&] { Objective(two_layers, data, *data, {.threads = -1}); }),
            "threads must be at least 0, got -1");
  EXPECT_EQ(error_of<UsageError>([&] { Objective(two_layers, data, *data, {.batch_size = 0}); }),
            "batch sizes must be at least 1, got 0 and 64");
  const auto none = std::make_shared<Dataset>();
  none->inputs = at::zeros({0, 1, 2, 2});
  EXPECT_EQ(error_of<UsageError>([&] { Objective(two_layers, none, *none); }),
            "the data set has no examples");
}

// TorchScript has second derivatives as well.
TEST(Objective, OfATorchScriptFile) {
  const auto data = few_data();
  Objective objective([] { return ScriptedModel::load("tests/golden/scripts/layers.pt"); }, data,
                      *data, {.threads = 2, .derivative_batch_size = 8});
  const at::Tensor x = normals({kSize}, 7).requires_grad_(true), v = normals({kSize}, 8);
  const at::Tensor hv = direct_hessian(x, *data).matmul(v);
  EXPECT_TRUE(
      at::allclose(objective.hessian_products(x.detach(), {v})[0].to(at::kDouble), hv, 1e-4, 1e-5));
}

}  // namespace
}  // namespace valley::objective_test
