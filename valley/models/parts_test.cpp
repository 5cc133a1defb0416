#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include "valley/core/error.h"
#include "valley/models/registry.h"
#include "valley/models/state_dict.h"

namespace valley::parts_test {
namespace {

using Names = std::vector<std::string>;

std::unique_ptr<Model> made(const std::string& name, int64_t classes, uint64_t seed) {
  return make_model(name, {.input = {1, 8, 8}, .classes = classes, .seed = seed});
}

std::vector<NamedTensor> copied(Model& model) {
  std::vector<NamedTensor> tensors = state_dict(model);
  for (NamedTensor& named : tensors) named.tensor = named.tensor.detach().clone();
  return tensors;
}

at::Tensor tensor_of(Model& model, const std::string& name) {
  for (const NamedTensor& named : state_dict(model))
    if (named.name == name) return named.tensor;
  return {};
}

Names names_of(const std::vector<NamedTensor>& tensors) {
  Names names;
  for (const NamedTensor& named : tensors) names.push_back(named.name);
  return names;
}

TEST(LoadWhatFits, TakesTheBodyAndMakesTheHeadAnewWhereClassesDiffer) {
  const auto from = made("mlp-4-3", 5, 1), to = made("mlp-4-3", 2, 2);
  std::vector<NamedTensor> file = copied(*from);
  const Names all = names_of(file);
  ASSERT_EQ(all.size(), 6U);
  const at::Tensor head = tensor_of(*to, all[4]).detach().clone();
  file.push_back({"projection", at::full({2}, 1.0)});
  const FittingNames names = load_what_fits(*to, file);
  EXPECT_EQ(names.taken, Names(all.begin(), all.begin() + 4));
  EXPECT_EQ(names.other_shape,
            (Names{all[4] + " [2, 3], there [5, 3]", all[5] + " [2], there [5]"}));
  EXPECT_EQ(names.missing, Names());
  EXPECT_EQ(names.unknown, Names{"projection"});
  EXPECT_EQ(names.values, 64 * 4 + 4 + 4 * 3 + 3);
  for (size_t i = 0; i < 4; ++i)
    EXPECT_TRUE(at::equal(tensor_of(*to, all[i]), tensor_of(*from, all[i]))) << all[i];
  EXPECT_TRUE(at::equal(tensor_of(*to, all[4]), head));
}

TEST(LoadWhatFits, APartIsEnoughAndOtherTypesConvert) {
  const auto to = made("mlp-4-3", 2, 2);
  const Names all = names_of(state_dict(*to));
  const FittingNames names = load_what_fits(*to, {{all[1], at::full({4}, 0.5, at::kDouble)}});
  EXPECT_EQ(names.taken, Names{all[1]});
  EXPECT_EQ(names.missing.size(), 5U);
  EXPECT_TRUE(at::equal(tensor_of(*to, all[1]), at::full({4}, 0.5F)));
}

TEST(LoadWhatFits, AnotherNetworkIsRefusedAndNothingChanges) {
  const auto lenet = made("resnet-8", 2, 1), to = made("mlp-4-3", 2, 2);
  const std::vector<NamedTensor> before = copied(*to);
  const std::string error = error_of<UsageError>([&] { load_what_fits(*to, copied(*lenet)); });
  EXPECT_TRUE(error.starts_with("nothing in it fits the model: its first tensor is ")) << error;
  EXPECT_TRUE(error.ends_with("the model's first parameter " + before[0].name + " [4, 64]"))
      << error;
  EXPECT_EQ(error_of<UsageError>([&] { load_what_fits(*to, {}); }),
            "nothing in it fits the model: its first tensor is nothing, the model's first "
            "parameter " +
                before[0].name + " [4, 64]");
  for (const auto& [name, tensor] : before) EXPECT_TRUE(at::equal(tensor_of(*to, name), tensor));
}

TEST(Freeze, WhatMatchesIsTrainedNoMoreAndIsStillInTheStateDict) {
  const auto model = made("mlp-4-3", 2, 1);
  const Names all = names_of(model->parameters());
  const std::string first = all[0].substr(0, all[0].rfind('.'));
  freeze(*model, first + ".*," + all[5]);
  EXPECT_EQ(names_of(model->parameters()), (Names{all[2], all[3], all[4]}));
  EXPECT_EQ(names_of(model->buffers()), (Names{all[0], all[1], all[5]}));
  EXPECT_EQ(state_dict(*model).size(), 6U);
}

TEST(Freeze, PatternsThatFitNothingOrAllAreRefused) {
  const auto model = made("mlp-4-3", 2, 1);
  const Names all = names_of(model->parameters());
  EXPECT_EQ(error_of<UsageError>([&] { freeze(*model, all[0] + ",conv*"); }),
            "freeze: no parameter is called 'conv*'; there are " + all[0] + ", " + all[1] + ", " +
                all[2] + ", " + all[3] + ", " + all[4] + ", " + all[5]);
  EXPECT_EQ(error_of<UsageError>([&] { freeze(*model, "*"); }), "freeze * leaves nothing to train");
  EXPECT_EQ(model->parameters().size(), 6U);
  const auto deep = made("resnet-8", 2, 1);
  EXPECT_TRUE(error_of<UsageError>([&] { freeze(*deep, "nothing"); }).ends_with(", ..."));
}

}  // namespace
}  // namespace valley::parts_test
