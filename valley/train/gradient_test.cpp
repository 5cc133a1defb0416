#include "valley/train/gradient.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/models/extended_model.h"
#include "valley/models/model_pass.h"
#include "valley/models/registry.h"
#include "valley/train/testing/small_training.h"

namespace valley::gradient_test {
namespace {

Batch some_batch(int64_t side = 28) {
  Batch batch{at::randn({5, 1, side, side}), at::zeros({5}, at::kLong)};
  for (int64_t i = 0; i < 5; ++i) batch.target.data_ptr<int64_t>()[i] = i % 4;
  return batch;
}

TEST(Gradient, EqualsAutogradsOnAModelOfItsOwnMemory) {
  for (const char* name : {"mlp", "lenet", "resnet-8"}) {
    const Batch batch = some_batch();
    const auto twin = make_model(name, {.seed = 2});
    const at::Tensor loss = at::cross_entropy_loss(twin->forward(batch.input), batch.target);
    loss.backward();
    std::vector<at::Tensor> expected;
    for (const auto& [parameter, tensor] : twin->parameters()) {
      expected.push_back(tensor.grad().flatten());
    }

    const auto model = make_model(name, {.seed = 2});
    const FlatParameters parameters(model->parameters(), model->buffers());
    Gradient gradient(*model, parameters);
    for (int repeat = 0; repeat < 2; ++repeat) {  // does not add up
      EXPECT_FLOAT_EQ(gradient.compute(batch, {}), loss.item<float>()) << name;
      EXPECT_TRUE(at::allclose(parameters.gradients(), at::cat(expected), 1e-5, 1e-7)) << name;
    }
  }
}

TEST(Gradient, PartsCoverEverythingOnceAndAreFinal) {
  const auto model = make_model("resnet-8", {.seed = 2});
  const FlatParameters parameters(model->parameters(), model->buffers(), DecayRule::kMatrices);
  Gradient gradient(*model, parameters);
  for (int step = 0; step < 3; ++step) {
    std::vector<int> times(parameters.size());
    const at::Tensor when_told = at::zeros({parameters.size()});
    int parts = 0;
    gradient.compute(some_batch(), [&](int64_t begin, int64_t end) {
      ASSERT_TRUE(0 <= begin && begin < end && end <= parameters.size());
      for (int64_t i = begin; i < end; ++i) ++times[i];
      when_told.narrow(0, begin, end - begin)
          .copy_(parameters.gradients().narrow(0, begin, end - begin));
      ++parts;
    });
    EXPECT_EQ(parts, static_cast<int>(parameters.ranges().size()));
    EXPECT_TRUE(std::all_of(times.begin(), times.end(), [](int n) { return n == 1; }));
    EXPECT_TRUE(at::equal(when_told, parameters.gradients()));
  }
}

// In pieces of unequal sizes, more pieces than examples, with SAM, with a blended batch: without
// BatchNorm it is the batch in one, up to rounding.
TEST(Gradient, InPiecesItIsThatOfTheWholeBatch) {
  Batch blended = some_batch(6);
  blended.other_target = blended.target.flip(0);
  blended.share = 0.3;
  for (const Batch& batch : {some_batch(6), blended}) {
    for (const SamOptions& sam : {SamOptions{}, SamOptions{.rho = 0.1}}) {
      const auto model = small_model(SmallModel::kPlain);
      const FlatParameters parameters(model->parameters(), model->buffers());
      const Task& task = classification({.label_smoothing = 0.1});
      Gradient whole(*model, parameters, sam, 0, task);
      const double loss = whole.compute(batch, {});
      const at::Tensor expected = parameters.gradients().clone();
      for (const int64_t pieces : {2, 3, 5, 9}) {
        Gradient gradient(*model, parameters, sam, 0, task, Precision::kFloat32, pieces);
        std::vector<int> times(static_cast<size_t>(parameters.size()));
        const at::Tensor when_told = at::zeros_like(parameters.gradients());
        const double sum = gradient.compute(batch, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) ++times[static_cast<size_t>(i)];
          when_told.narrow(0, begin, end - begin)
              .copy_(parameters.gradients().narrow(0, begin, end - begin));
        });
        EXPECT_NEAR(sum, loss, 1e-12) << pieces;
        EXPECT_LT((parameters.gradients() - expected).abs().max().item<double>(), 1e-13) << pieces;
        EXPECT_TRUE(std::all_of(times.begin(), times.end(), [](int n) { return n == 1; }));
        EXPECT_TRUE(at::equal(when_told, parameters.gradients()));
      }
    }
  }
}

TEST(Gradient, OfPiecesOneThatIsNotFiniteIsEnough) {
  const auto model = small_model(SmallModel::kPlain);
  const FlatParameters parameters(model->parameters(), model->buffers());
  Batch batch = some_batch(6);
  batch.input[4].fill_(std::numeric_limits<double>::infinity());
  Gradient gradient(*model, parameters, {}, 0, classification(), Precision::kFloat32, 3);
  const double loss = gradient.compute(batch, [](int64_t, int64_t) { FAIL(); });
  EXPECT_FALSE(std::isfinite(loss));
  EXPECT_EQ(parameters.gradients().abs().max().item<double>(), 0);
}

// lam CE(a) + (1 - lam) CE(b).
TEST(Gradient, OfABlendedBatchIsThatOfTheWeighedLosses) {
  const auto model = small_model(SmallModel::kPlain), twin = small_model(SmallModel::kPlain);
  const FlatParameters parameters(model->parameters(), model->buffers());
  Batch batch = some_batch(6);
  batch.other_target = batch.target.roll(1);
  batch.share = 0.8;
  const at::Tensor logits = twin->forward(batch.input);
  const at::Tensor loss = 0.8 * at::cross_entropy_loss(logits, batch.target) +
                          0.2 * at::cross_entropy_loss(logits, batch.other_target);
  loss.backward();
  Gradient gradient(*model, parameters);
  EXPECT_DOUBLE_EQ(gradient.compute(batch, {}), loss.item<double>());
  std::vector<at::Tensor> expected;
  for (const auto& [name, tensor] : twin->parameters()) expected.push_back(tensor.grad().flatten());
  EXPECT_TRUE(at::allclose(parameters.gradients(), at::cat(expected), 1e-12, 1e-15));
}

// A number that is none must not travel to the other workers.
TEST(Gradient, ALossThatIsNotFiniteHasNone) {
  const auto model = small_model(SmallModel::kPlain);
  const FlatParameters parameters(model->parameters(), model->buffers());
  Gradient gradient(*model, parameters);
  gradient.compute(some_batch(6), {});
  at::Tensor(parameters.values()).mul_(std::numeric_limits<double>::infinity());
  const double loss = gradient.compute(some_batch(6), [](int64_t, int64_t) { FAIL(); });
  EXPECT_FALSE(std::isfinite(loss));
  EXPECT_EQ(parameters.gradients().abs().max().item<double>(), 0);
}

TEST(Gradient, LeavesNoHookBehind) {
  const auto model = small_model(SmallModel::kPlain);
  const FlatParameters parameters(model->parameters(), model->buffers());
  int parts = 0;
  {
    Gradient gradient(*model, parameters);
    gradient.compute(some_batch(6), [&](int64_t, int64_t) { ++parts; });
    EXPECT_EQ(parts, 4);
  }
  at::cross_entropy_loss(model->forward(some_batch(6).input), some_batch(6).target).backward();
  EXPECT_EQ(parts, 4);
}

Adversary adversary(const char* attack, double clean) {
  Dataset data{.inputs = at::zeros({1, 1, 6, 6}),
               .targets = at::zeros({1}, at::kLong),
               .mean = {0},
               .stddev = {0.5}};
  return {Attack(parse_attack(attack), data), clean, [] { return uint64_t(3); }};
}

// By hand: x' = x + EPS / stddev sign(gradient by x), and the two losses weighed.
TEST(Gradient, OfAnAdversaryIsThatOfBothLossesWeighed) {
  for (const double clean : {0.0, 0.3}) {
    const auto model = small_model(SmallModel::kPlain), twin = small_model(SmallModel::kPlain);
    const FlatParameters parameters(model->parameters(), model->buffers());
    const Batch batch = some_batch(6);
    const at::Tensor x = batch.input.clone().set_requires_grad(true);
    at::cross_entropy_loss(twin->forward(x), batch.target).backward();
    const at::Tensor worst = x.detach() + 0.2 * x.grad().sign();
    for (const auto& [name, tensor] : twin->parameters()) tensor.grad().zero_();
    const at::Tensor loss =
        clean * at::cross_entropy_loss(twin->forward(batch.input), batch.target) +
        (1 - clean) * at::cross_entropy_loss(twin->forward(worst), batch.target);
    loss.backward();
    std::vector<at::Tensor> expected;
    for (const auto& [name, tensor] : twin->parameters())
      expected.push_back(tensor.grad().flatten());

    Gradient gradient(*model, parameters, {}, 0, classification(), Precision::kFloat32, 1,
                      adversary("fgsm:0.1", clean));
    std::vector<int> times(static_cast<size_t>(parameters.size()));
    const at::Tensor before = batch.input.clone();
    EXPECT_NEAR(gradient.compute(batch,
                                 [&](int64_t begin, int64_t end) {
                                   for (int64_t i = begin; i < end; ++i)
                                     ++times[static_cast<size_t>(i)];
                                 }),
                loss.item<double>(), 1e-12);
    EXPECT_TRUE(at::allclose(parameters.gradients(), at::cat(expected), 1e-12, 1e-14));
    EXPECT_TRUE(std::all_of(times.begin(), times.end(), [](int n) { return n == 1; }));
    EXPECT_TRUE(at::equal(batch.input, before));
  }
}

// Examples do not see each other, and what is drawn is drawn for the whole batch.
TEST(Gradient, OfAnAdversaryInPiecesIsThatOfTheWholeBatch) {
  for (const SamOptions& sam : {SamOptions{}, SamOptions{.rho = 0.1}}) {
    const auto model = small_model(SmallModel::kPlain);
    const FlatParameters parameters(model->parameters(), model->buffers());
    const Batch batch = some_batch(6);
    const auto compute = [&](int64_t pieces) {
      Gradient gradient(*model, parameters, sam, 0, classification(), Precision::kFloat32, pieces,
                        adversary("pgd:0.1:3", 0.5));
      return double(gradient.compute(batch, {}));
    };
    const double loss = compute(1);
    const at::Tensor expected = parameters.gradients().clone();
    EXPECT_NEAR(compute(2), loss, 1e-12);
    EXPECT_LT((parameters.gradients() - expected).abs().max().item<double>(), 1e-12);
  }
}

// The attack itself draws nothing of dropout's and moves no statistics: they move as by the two
// losses alone.
TEST(Gradient, OfAnAdversaryMovesBuffersByItsLossesAlone) {
  const Batch batch = some_batch(6);
  const auto model = small_model(SmallModel::kBatchNorm, 2);
  const FlatParameters parameters(model->parameters(), model->buffers());
  Gradient(*model, parameters, {}, 0, classification(), Precision::kFloat32, 1,
           adversary("pgd:0.1:5", 0))
      .compute(batch, {});
  const auto twin = small_model(SmallModel::kBatchNorm, 2);
  const FlatParameters others(twin->parameters(), twin->buffers());
  twin->train(false);
  Batch hard = batch;
  hard.input = adversary("pgd:0.1:5", 0).attack.worst(batch.input, 3, [&](const at::Tensor& x) {
    return input_gradient(x, [&](const at::Tensor& leaf) {
      return at::cross_entropy_loss(twin->forward(leaf), batch.target);
    });
  });
  twin->train(true);
  Gradient(*twin, others).compute(hard, {});
  EXPECT_TRUE(at::equal(parameters.buffers(), others.buffers()));
}

// What mgrawa asks for. In evaluation mode dropout is off, and BatchNorm takes what it has learnt.
TEST(Gradient, NormsAreOfTheGradientInEvaluationModeAndLeaveNoTrace) {
  const auto twin = small_model(SmallModel::kBatchNorm, 2);
  const auto model = small_model(SmallModel::kBatchNorm, 2);
  const Batch batch = some_batch(6);
  twin->train(false);
  at::cross_entropy_loss(twin->forward(batch.input), batch.target).backward();

  const FlatParameters parameters(model->parameters(), model->buffers());
  Gradient gradient(*model, parameters);
  int parts = 0;
  gradient.compute(batch, [&](int64_t, int64_t) { ++parts; });
  const at::Tensor g = parameters.gradients().clone(), x = parameters.values().clone();
  const auto other = small_model(SmallModel::kBatchNorm, 2);  // its statistics are still fresh
  const FlatParameters others(other->parameters(), other->buffers());
  Gradient fresh(*other, others);
  const std::vector<double> norms = [&] {
    const c10::NoGradGuard no_grad;  // as a round runs
    return fresh.norms(batch);
  }();
  ASSERT_EQ(norms.size(), twin->parameters().size());
  for (size_t i = 0; i < norms.size(); ++i) {
    EXPECT_NEAR(norms[i], twin->parameters()[i].tensor.grad().norm().item<double>(), 1e-5) << i;
  }
  EXPECT_GT(norms[0], 1e-3);
  EXPECT_TRUE(at::equal(others.gradients(), at::zeros_like(others.gradients())));

  const int told = parts;
  const at::Tensor generator = at::globalContext().defaultGenerator(at::kCPU).get_state();
  const at::Tensor buffers = parameters.buffers().clone();
  gradient.norms(batch);
  EXPECT_EQ(parts, told);
  EXPECT_TRUE(at::equal(parameters.gradients(), g));
  EXPECT_TRUE(at::equal(parameters.values(), x));
  EXPECT_TRUE(at::equal(parameters.buffers(), buffers));
  EXPECT_TRUE(at::equal(at::globalContext().defaultGenerator(at::kCPU).get_state(), generator));
  gradient.compute(batch, {});  // in train mode again: the statistics move
  EXPECT_FALSE(at::equal(parameters.buffers(), buffers));
}

// Buffers move in the first pass only: as after one pass without SAM.
TEST(Gradient, SamsIsTheGradientUphillAndOnlyTheBuffersMove) {
  const Batch batch = some_batch(28);
  const SamOptions sam{.rho = 0.3};
  const auto make = [] { return make_model("resnet-8", {.seed = 2}); };
  const auto once = make(), twin = make(), model = make();

  const FlatParameters first(once->parameters(), once->buffers());
  const double loss = Gradient(*once, first).compute(batch, {});
  const FlatParameters expected(twin->parameters(), twin->buffers());
  expected.values().copy_(uphill(sam, first.values(), first.gradients()));
  Gradient(*twin, expected).compute(batch, {});

  const FlatParameters parameters(model->parameters(), model->buffers());
  const at::Tensor x = parameters.values().clone();
  Gradient gradient(*model, parameters, sam);
  std::vector<int> times(parameters.size());
  EXPECT_EQ(gradient.compute(batch,
                             [&](int64_t begin, int64_t end) {
                               for (int64_t i = begin; i < end; ++i) ++times[i];
                             }),
            loss);
  EXPECT_TRUE(std::all_of(times.begin(), times.end(), [](int n) { return n == 1; }));
  EXPECT_TRUE(at::equal(parameters.gradients(), expected.gradients()));
  EXPECT_FALSE(at::allclose(parameters.gradients(), first.gradients(), 1e-2, 1e-3));
  EXPECT_TRUE(at::equal(parameters.values(), x));
  EXPECT_TRUE(at::equal(parameters.buffers(), first.buffers()));
  ASSERT_FALSE(parameters.other_buffers().empty());
  for (size_t i = 0; i < parameters.other_buffers().size(); ++i) {
    EXPECT_TRUE(at::equal(parameters.other_buffers()[i].tensor, first.other_buffers()[i].tensor));
  }
}

TEST(Gradient, SamComesBackAlsoWhereTheLossUphillIsNotFinite) {
  const auto model = small_model(SmallModel::kPlain);
  const FlatParameters parameters(model->parameters(), model->buffers());
  const at::Tensor x = parameters.values().clone();
  Gradient gradient(*model, parameters, {.rho = std::numeric_limits<double>::max()});
  const double loss = gradient.compute(some_batch(6), [](int64_t, int64_t) { FAIL(); });
  EXPECT_FALSE(std::isfinite(loss));
  EXPECT_TRUE(at::equal(parameters.values(), x));
}

class Shaped : public Model {
 public:
  explicit Shaped(std::vector<int64_t> shape) : shape_(std::move(shape)) {
    weight_ = at::randn({1}).set_requires_grad(true);
  }
  at::Tensor forward(const at::Tensor&) override { return weight_ * at::zeros(shape_); }
  std::vector<NamedTensor> parameters() override { return {{"weight", weight_}}; }
  std::vector<NamedTensor> buffers() override { return {}; }
  void train(bool) override {}

 private:
  std::vector<int64_t> shape_;
  at::Tensor weight_;
};

TEST(Gradient, OutputsThatAreNoLogitsAreRefused) {
  const auto message = [](std::vector<int64_t> shape) {
    Shaped model(std::move(shape));
    const FlatParameters parameters(model.parameters(), model.buffers());
    return error_of<ModelError>([&] { Gradient(model, parameters).compute(some_batch(), {}); });
  };
  EXPECT_EQ(message({5, 10, 1}),
            "the model must return logits [batch, classes], got [5, 10, 1] for a batch of 5");
  EXPECT_EQ(message({4, 10}),
            "the model must return logits [batch, classes], got [4, 10] for a batch of 5");
  EXPECT_EQ(message({5, 3}), "the model returns 3 logits, but there is a target of class 3");
  EXPECT_EQ(message({5, 4}), "no error");
}

// Two heads on one weight each, and what is shared by both.
class TwoHeads : public ExtendedModel {
 public:
  TwoHeads() {
    for (const char* name : {"body", "head", "auxiliary"}) {
      parameters_.push_back({name, at::randn({36, 36}).set_requires_grad(true)});
    }
  }
  at::Tensor forward(const at::Tensor& input) override { return forward_all(input).logits; }
  Outputs forward_all(const at::Tensor& input) override {
    const at::Tensor h = at::mm(input.flatten(1), parameters_[0].tensor);
    return {at::mm(h, parameters_[1].tensor), {{"aux", at::mm(h, parameters_[2].tensor)}}};
  }
  std::vector<NamedTensor> parameters() override { return parameters_; }
  std::vector<NamedTensor> buffers() override { return {}; }
  std::vector<NamedTensor> state() override { return parameters_; }
  void train(bool) override {}

 private:
  std::vector<NamedTensor> parameters_;
};

TEST(Gradient, WeighsTheOtherOutputs) {
  const Batch batch = some_batch(6);
  TwoHeads model;
  const FlatParameters parameters(model.parameters(), model.buffers());
  const at::Tensor g = parameters.gradients();
  const double alone = Gradient(model, parameters).compute(batch, {});
  EXPECT_EQ(g.narrow(0, 2 * 36 * 36, 36 * 36).abs().max().item<float>(), 0);

  const double both = Gradient(model, parameters, {}, 0.3).compute(batch, {});
  const at::Tensor got = g.clone();
  g.zero_();
  const Outputs outputs = model.forward_all(batch.input);
  const at::Tensor main = at::cross_entropy_loss(outputs.logits, batch.target);
  const at::Tensor other = at::cross_entropy_loss(outputs.others[0].tensor, batch.target);
  (main + 0.3 * other).backward();
  EXPECT_TRUE(at::allclose(got, g, 1e-5, 1e-6));
  EXPECT_NEAR(alone, main.item<double>(), 1e-5 * alone);
  EXPECT_NEAR(both, alone + 0.3 * other.item<double>(), 1e-5 * both);

  const auto single = small_model(SmallModel::kPlain);
  const FlatParameters flat(single->parameters(), single->buffers());
  EXPECT_EQ(
      error_of<ModelError>([&] { Gradient(*single, flat, {}, 0.5).compute(some_batch(6), {}); }),
      "auxiliary 0.5: the model returns one output only");
}

}  // namespace
}  // namespace valley::gradient_test
