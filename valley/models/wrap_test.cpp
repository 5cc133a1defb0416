#include "valley/models/wrap.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tanh.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>

#include <algorithm>

#include "valley/core/error.h"
#include "valley/models/initialisation.h"
#include "valley/models/registry.h"
#include "valley/models/state_dict.h"

namespace valley::wrap_test {
namespace {

// A module as a user would write it: one frozen layer, one normalisation, tied weights.
struct Net : torch::nn::Module {
  Net() : first(3, 3), norm(3), second(3, 3) {
    register_module("first", first);
    register_module("norm", norm);
    register_module("second", second);
    first->bias.set_requires_grad(false);
    tied = register_parameter("tied", second->weight);
  }
  at::Tensor forward(const at::Tensor& x) { return second(norm(at::tanh(first(x)))); }

  torch::nn::Linear first;
  torch::nn::BatchNorm1d norm;
  torch::nn::Linear second;
  at::Tensor tied;
};

std::vector<std::string> names(const std::vector<NamedTensor>& tensors) {
  std::vector<std::string> result;
  for (const auto& [name, tensor] : tensors) result.push_back(name);
  return result;
}

using Names = std::vector<std::string>;

TEST(Wrap, SharesTheUsersModule) {
  const auto module = std::make_shared<Net>();
  const std::unique_ptr<Model> model = wrap(module);
  const at::Tensor x = at::ones({4, 3});
  EXPECT_TRUE(at::equal(model->forward(x), module->forward(x)));
  model->train(false);
  EXPECT_FALSE(module->norm->is_training());
  model->train(true);
  EXPECT_TRUE(module->norm->is_training());

  // What the trainer does: set_data moves the module's own storage.
  const NamedTensor bias = model->parameters().back();
  at::Tensor(bias.tensor).set_data(at::ones({3}).mul(7));
  EXPECT_EQ(module->second->bias[0].item<float>(), 7);
}

TEST(Wrap, PartsFrozenInEvaluationModeStaySoAndAModuleInItDoesNot) {
  const auto whole = std::make_shared<Net>();
  whole->eval();
  const auto model = wrap(whole);
  model->train(true);
  EXPECT_TRUE(whole->is_training() && whole->norm->is_training());

  whole->norm->eval();  // frozen later than it was wrapped
  for (int epoch = 0; epoch < 2; ++epoch) {
    model->train(false);
    EXPECT_FALSE(whole->first->is_training());
    model->train(true);
    EXPECT_TRUE(whole->is_training() && whole->first->is_training());
    EXPECT_FALSE(whole->norm->is_training());
  }
  model->train(false);  // twice, and what was frozen is still known
  model->train(false);
  model->train(true);
  EXPECT_FALSE(whole->norm->is_training());
  whole->norm->train();
  model->train(true);
  EXPECT_TRUE(whole->norm->is_training());
}

// A frozen part whose own part trains on: each has the last word on its own mode.
TEST(Wrap, APartOfAFrozenPartMayTrain) {
  struct Nested : Net {
    Nested() {
      register_module("outer", outer);
      outer->register_module("inner", inner);
    }
    std::shared_ptr<Net> outer = std::make_shared<Net>();
    torch::nn::Linear inner{2, 2};
  };
  const auto module = std::make_shared<Nested>();
  module->outer->eval();
  module->inner->train();
  const auto model = wrap(module);
  model->train(false);
  EXPECT_FALSE(module->inner->is_training());
  model->train(true);
  EXPECT_FALSE(module->outer->is_training() || module->outer->norm->is_training());
  EXPECT_TRUE(module->inner->is_training() && module->norm->is_training());
}

TEST(Wrap, FrozenParametersAreBuffersAndTiedOnesAppearOnce) {
  const auto model = wrap(std::make_shared<Net>());
  EXPECT_EQ(names(model->parameters()),
            (Names{"tied", "first.weight", "norm.weight", "norm.bias", "second.bias"}));
  EXPECT_EQ(names(model->buffers()), (Names{"first.bias", "norm.running_mean", "norm.running_var",
                                            "norm.num_batches_tracked"}));
}

// What PyTorch's state_dict of the same module would hold.
TEST(Wrap, TheStateHasEveryNameAndTheLoaderTakesIt) {
  struct Twice : Net {
    Twice() { register_module("again", norm.ptr()); }
  };
  const auto module = std::make_shared<Twice>();
  const auto model = wrap(module);
  EXPECT_EQ(names(model->parameters()),
            (Names{"tied", "first.weight", "norm.weight", "norm.bias", "second.bias"}));
  EXPECT_EQ(names(model->buffers()), (Names{"first.bias", "norm.running_mean", "norm.running_var",
                                            "norm.num_batches_tracked"}));
  EXPECT_EQ(names(state_dict(*model)),
            (Names{"tied", "first.weight", "norm.weight", "norm.bias", "second.weight",
                   "second.bias", "again.weight", "again.bias", "first.bias", "norm.running_mean",
                   "norm.running_var", "norm.num_batches_tracked", "again.running_mean",
                   "again.running_var", "again.num_batches_tracked"}));
  const auto other = wrap(std::make_shared<Twice>());
  model->forward(at::ones({4, 3}));
  load_state_dict(*other, state_dict(*model));
  for (Model* m : {model.get(), other.get()}) m->train(false);
  EXPECT_TRUE(at::equal(other->forward(at::ones({4, 3})), model->forward(at::ones({4, 3}))));
}

TEST(Wrap, TheModelKeepsTheModuleAlive) {
  auto module = std::make_shared<Net>();
  const std::weak_ptr<Net> watch = module;
  auto model = wrap(std::move(module));
  EXPECT_FALSE(watch.expired());
  EXPECT_EQ(model->forward(at::ones({2, 3})).sizes(), (std::vector<int64_t>{2, 3}));
  model.reset();
  EXPECT_TRUE(watch.expired());
}

TEST(Wrap, NullIsRefused) {
  try {
    wrap(std::shared_ptr<Net>());
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "wrap: the module is null");
  }
}

TEST(InitialisationScope, MakesAUsersModuleRepeatable) {
  const auto build = [](uint64_t seed) {
    InitialisationScope scope(seed);
    return std::make_shared<Net>()->second->bias.detach();
  };
  EXPECT_TRUE(at::equal(build(1), build(1)));
  EXPECT_FALSE(at::equal(build(1), build(2)));
}

TEST(StateDict, LoadsByNameInAnyOrder) {
  const auto from = make_model("resnet-8", {.seed = 1}), to = make_model("resnet-8", {.seed = 2});
  from->forward(at::ones({2, 1, 28, 28}));
  std::vector<NamedTensor> state = state_dict(*from);
  std::reverse(state.begin(), state.end());
  load_state_dict(*to, state);
  const auto left = state_dict(*from), right = state_dict(*to);
  for (size_t i = 0; i < left.size(); ++i) {
    EXPECT_TRUE(at::equal(left[i].tensor, right[i].tensor)) << left[i].name;
    EXPECT_NE(left[i].tensor.data_ptr(), right[i].tensor.data_ptr());
  }
}

std::string load_error(Model& model, const std::vector<NamedTensor>& state) {
  try {
    load_state_dict(model, state);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no error";
}

TEST(StateDict, AMisfitIsNamedAndChangesNothing) {
  const auto model = make_model("mlp", {.classes = 3});
  const at::Tensor before = model->parameters()[0].tensor.detach().clone();
  const std::vector<NamedTensor> fitting =
      state_dict(*make_model("mlp", {.classes = 3, .seed = 9}));

  std::vector<NamedTensor> state = fitting;
  state.pop_back();
  EXPECT_EQ(load_error(*model, state), "the state has no tensor fc3.bias");
  state = fitting;
  state.push_back({"fc4.bias", at::ones({1})});
  EXPECT_EQ(load_error(*model, state), "the model has no tensor fc4.bias");
  state = fitting;
  state.back().tensor = at::ones({4});
  EXPECT_EQ(load_error(*model, state), "tensor fc3.bias is [4] in the state, [3] in the model");
  EXPECT_TRUE(at::equal(model->parameters()[0].tensor, before));
}

}  // namespace
}  // namespace valley::wrap_test
