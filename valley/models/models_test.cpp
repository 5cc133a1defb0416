#include <ATen/Context.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <map>

#include "valley/core/error.h"
#include "valley/models/registry.h"

namespace valley {
namespace {

int64_t count_parameters(Model& model) {
  int64_t count = 0;
  for (const NamedTensor& parameter : model.parameters()) count += parameter.tensor.numel();
  return count;
}

bool same_parameters(Model& a, Model& b) {
  const auto left = a.parameters(), right = b.parameters();
  if (left.size() != right.size()) return false;
  for (size_t i = 0; i < left.size(); ++i) {
    if (left[i].name != right[i].name || !at::equal(left[i].tensor, right[i].tensor)) return false;
  }
  return true;
}

constexpr std::array<int64_t, 3> kGray = {1, 28, 28}, kColour = {3, 32, 32};

TEST(Models, ParameterCountsAreTheKnownOnes) {
  const std::map<std::string, std::pair<int64_t, int64_t>> known = {
      {"mlp", {109386, 402250}},           {"lenet", {65162, 88490}},
      {"resnet-8", {77754, 78042}},        {"resnet-20", {272186, 272474}},
      {"resnet-18", {11172810, 11173962}},
  };
  for (const ModelEntry& entry : models()) {
    ASSERT_TRUE(known.count(entry.name)) << entry.name;
    const auto [gray, colour] = known.at(entry.name);
    EXPECT_EQ(count_parameters(*entry.make({.input = kGray})), gray) << entry.name;
    EXPECT_EQ(count_parameters(*entry.make({.input = kColour})), colour) << entry.name;
  }
}

TEST(Models, GiveLogitsAndEveryParameterGetsAGradient) {
  for (const ModelEntry& entry : models()) {
    for (const auto& input : {kGray, kColour}) {
      SCOPED_TRACE(entry.name);
      const auto model = entry.make({.input = input, .classes = 7});
      const at::Tensor x = at::randn({2, input[0], input[1], input[2]});
      const at::Tensor logits = model->forward(x);
      EXPECT_EQ(logits.sizes(), (std::vector<int64_t>{2, 7}));
      logits.square().sum().backward();
      for (const auto& [name, parameter] : model->parameters()) {
        ASSERT_TRUE(parameter.grad().defined()) << name;
        EXPECT_GT(parameter.grad().abs().sum().item<float>(), 0) << name;
      }
    }
  }
}

TEST(Models, TheSeedDecidesTheWeights) {
  for (const ModelEntry& entry : models()) {
    const auto model = entry.make({.seed = 3});
    EXPECT_TRUE(same_parameters(*model, *entry.make({.seed = 3}))) << entry.name;
    EXPECT_FALSE(same_parameters(*model, *entry.make({.seed = 4}))) << entry.name;
  }
}

TEST(Models, BuildingLeavesTheGeneratorAlone) {
  at::manual_seed(5);
  const at::Tensor expected = at::randn({4});
  at::manual_seed(5);
  make_model("lenet", {.seed = 1});
  EXPECT_TRUE(at::equal(at::randn({4}), expected));
}

TEST(Models, ThreadsMayBuildAtOnce) {
  std::vector<std::unique_ptr<Model>> expected;
  for (uint64_t seed = 0; seed < 4; ++seed) expected.push_back(make_model("mlp", {.seed = seed}));
  std::vector<std::future<std::unique_ptr<Model>>> built;
  for (int i = 0; i < 32; ++i) {
    built.push_back(std::async(std::launch::async, [i] {
      return make_model("mlp", {.seed = static_cast<uint64_t>(i % 4)});
    }));
  }
  for (int i = 0; i < 32; ++i) {
    EXPECT_TRUE(same_parameters(*built[i].get(), *expected[i % 4])) << i;
  }
}

TEST(Models, BatchNormLearnsInTrainingAndRestsInEvaluation) {
  const auto model = make_model("resnet-8", {.input = kColour});
  const at::Tensor x = at::randn({4, 3, 32, 32}).add(1);
  std::map<std::string, at::Tensor> before;
  for (const auto& [name, buffer] : model->buffers()) before[name] = buffer.clone();
  EXPECT_EQ(before.size(), 3u * 9);
  EXPECT_EQ(before.at("bn1.num_batches_tracked").item<int64_t>(), 0);

  model->train(false);
  const at::Tensor alone = model->forward(x.slice(0, 0, 1)), together = model->forward(x);
  EXPECT_TRUE(at::allclose(alone[0], together[0], 1e-4, 1e-5));
  for (const auto& [name, buffer] : model->buffers()) {
    EXPECT_TRUE(at::equal(buffer, before.at(name))) << name;
  }

  model->train(true);
  EXPECT_FALSE(at::allclose(model->forward(x), together, 1e-2, 1e-2));
  for (const auto& [name, buffer] : model->buffers()) {
    EXPECT_FALSE(at::equal(buffer, before.at(name))) << name;
  }
}

void expect_usage_error(const std::string& text, const std::function<void()>& call) {
  try {
    call();
    ADD_FAILURE() << "no error; expected: " << text;
  } catch (const UsageError& error) {
    EXPECT_EQ(error.what(), text);
  }
}

TEST(Models, ErrorsNameWhatIsWrong) {
  expect_usage_error(
      "unknown model 'lennet'; did you mean 'lenet'? known: mlp, lenet, resnet-8, resnet-20, "
      "resnet-18, or a TorchScript file (net.pt)",
      [] { make_model("lennet", {}); });
  expect_usage_error(
      "unknown model 'transformer'; known: mlp, lenet, resnet-8, resnet-20, resnet-18, or a "
      "TorchScript file (net.pt)",
      [] { make_model("transformer", {}); });
  expect_usage_error("model lenet needs images of at least 12x12, got 8x28", [] {
    make_model("lenet", {.input = {1, 8, 28}});
  });
  expect_usage_error("model mlp: input and classes must be at least 1, got 1x0x28 and 10", [] {
    make_model("mlp", {.input = {1, 0, 28}});
  });
}

}  // namespace
}  // namespace valley
