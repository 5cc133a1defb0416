#include "valley/train/rehearsal.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>

#include <filesystem>
#include <functional>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/models/initialisation.h"
#include "valley/models/model_pass.h"
#include "valley/models/wrap.h"
#include "valley/record/run_folder.h"
#include "valley/train/checkpoint.h"
#include "valley/train/testing/small_training.h"

namespace valley::rehearsal_test {
namespace {

// Two layers on the 36 pixels of small_data(), with something in between, and what a test adds.
struct Net : torch::nn::Module {
  Net() {
    register_module("fc1", fc1);
    register_module("norm", norm);
    register_module("fc2", fc2);
  }
  at::Tensor forward(const at::Tensor& x) {
    ++passes;
    if (passes >= fails_from) throw std::runtime_error("the table is full\nat line 7");
    const at::Tensor between = at::relu(normalises ? norm(fc1(x.flatten(1))) : fc1(x.flatten(1)));
    const at::Tensor logits = fc2(at::dropout(between, 0.3, is_training()));
    return squeezes ? logits.squeeze() : logits;
  }

  torch::nn::Linear fc1{36, 5};
  torch::nn::BatchNorm1d norm{5};
  torch::nn::Linear fc2{5, 4};
  bool normalises = false, squeezes = false;
  int passes = 0, fails_from = 1 << 30;
};

using Change = std::function<void(Net&)>;

std::shared_ptr<Net> make_net(const Change& change) {
  const InitialisationScope seeded(3);
  auto net = std::make_shared<Net>();
  if (change) change(*net);
  return net;
}

std::string refusal(const TrainOptions& options, const Change& change, int64_t examples = 48,
                    int workers = 2) {
  return error_of<UsageError>(
      [&] { rehearse(*wrap(make_net(change)), small_data(examples), options, workers); });
}

const Change kNormalises = [](Net& net) { net.normalises = true; };

// --- what is refused -----------------------------------------------------------------------------

// 49 examples: six steps of 2 x 4, and one example left over, which both workers take.
TEST(Rehearsal, TheSmallestTrainingBatchThatWillOccurIsTried) {
  TrainOptions options = small_options("dppf");
  options.tail = Tail::kKeep;
  const std::string reason =
      "the model: Expected more than 1 value per channel when training, got input size [1, 5]; it "
      "was given ";
  EXPECT_EQ(refusal(options, kNormalises, 49),
            reason +
                "the last training batch of an epoch, float32 [1, 1, 6, 6]; tail drop leaves "
                "that batch out");
  EXPECT_EQ(refusal(options, {}, 49), "no error");
  EXPECT_EQ(refusal(options, kNormalises, 48), "no error");
  EXPECT_EQ(refusal(options, kNormalises, 51), "no error");  // two each
  options.steps = 6;                                         // an epoch has seven
  EXPECT_EQ(refusal(options, kNormalises, 49), "no error");
  options.steps = 7;
  EXPECT_NE(refusal(options, kNormalises, 49), "no error");
  options.tail = Tail::kDrop;
  EXPECT_EQ(refusal(options, kNormalises, 49), "no error");
  options.batch_size = 1;
  EXPECT_EQ(refusal(options, kNormalises, 49),
            reason + "a training batch, float32 [1, 1, 6, 6]; a batch-size above 1 may do");
}

TEST(Rehearsal, TheSmallestBatchOfAnEvaluationIsTried) {
  TrainOptions options = small_options("dppf");
  const Change squeezes = [](Net& net) { net.squeezes = true; };
  DataSplits data = small_data(48);
  EXPECT_EQ(refusal(options, squeezes), "no error");
  auto one = std::make_shared<Dataset>(*data.train);
  one->inputs = one->inputs.narrow(0, 0, 1);
  one->targets = one->targets.narrow(0, 0, 1);
  data.test = one;
  EXPECT_EQ(error_of<UsageError>([&] { rehearse(*wrap(make_net(squeezes)), data, options, 2); }),
            "the model must return logits [batch, classes], got [4] for a batch of 1");
}

TEST(Rehearsal, EveryClassNeedsALogitAndTestExamplesLookLikeThoseToTrainOn) {
  TrainOptions options = small_options("dppf");
  options.model_name = "net";
  options.data_name = "images";
  DataSplits data = small_data(48);
  auto test = std::make_shared<Dataset>(*data.test);
  test->targets = test->targets + 1;
  data.test = test;
  EXPECT_EQ(error_of<UsageError>([&] { rehearse(*wrap(make_net({})), data, options, 2); }),
            "net returns 4 logits, but images has 5 classes");
  test->inputs = at::zeros({40, 1, 6, 7}, at::kByte);
  EXPECT_EQ(error_of<UsageError>([&] { rehearse(*wrap(make_net({})), data, options, 2); }),
            "images: training examples are [1, 6, 6], examples to test [1, 6, 7]");
}

TEST(Rehearsal, TypesThatDoNotGoTogetherSayWhatIsFed) {
  const TrainOptions options = small_options("dppf");
  const std::string fed = "; it is given float32 [B, 1, 6, 6]";
  EXPECT_EQ(
      refusal(options, [](Net& net) { net.to(at::kBFloat16); }),
      "the model: parameters must be float32, or float64 all of them; fc1.weight is bfloat16" +
          fed);
  EXPECT_EQ(
      refusal(options, [](Net& net) { net.fc2->to(at::kHalf); }),
      "the model: all parameters must be of one type; fc1.weight is float32 and fc2.weight is "
      "float16" +
          fed);
  const std::string text = refusal(options, [](Net& net) { net.to(at::kDouble); });
  EXPECT_TRUE(text.starts_with("the model: ")) << text;
  EXPECT_TRUE(
      text.ends_with("; it was given a batch of an evaluation, float32 [40, 1, 6, 6]; its "
                     "fc1.weight is float64: net.float() makes all of it float32"))
      << text;
  EXPECT_EQ(refusal(options,
                    [](Net& net) {
                      for (at::Tensor& p : net.parameters()) p.set_requires_grad(false);
                      net.fc2->bias.set_requires_grad(true);
                      net.fc2->bias.set_data(at::zeros({0}));
                    }),
            "the model: the model's trainable parameters hold no values, fc2.bias is [0]" + fed);
}

TEST(Rehearsal, WhatCannotBeSavedIsSeenWhereItWouldBe) {
  const TestFolder folder;
  TrainOptions options = small_options("dppf");
  const Change complex = [](Net& net) {
    net.register_buffer("phases", at::zeros({3}, at::kComplexFloat));
  };
  EXPECT_EQ(refusal(options, complex), "no error");
  options.out = folder.path().string();
  const std::string refused =
      "the model: tensor phases is complex64, which a safetensors file cannot hold: the model "
      "could "
      "be neither saved nor resumed";
  EXPECT_EQ(refusal(options, complex), refused);

  // A Trainer sees as much by itself, before anything is written.
  SmallTraining training{.workers = 2, .options = options};
  training.model = [&] { return wrap(make_net(complex)); };
  EXPECT_EQ(error_of<UsageError>([&] { train(training); }), refused);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Rehearsal, AModelWhoseLossNoParameterChangesIsRefused) {
  const std::string text = refusal(small_options("dppf"), [](Net& net) {
    for (at::Tensor& p : net.parameters()) p.set_requires_grad(false);
    net.norm->weight.set_requires_grad(true);  // not used
  });
  EXPECT_TRUE(text.ends_with("; it was given a training batch, float32 [4, 1, 6, 6]")) << text;
}

TEST(Rehearsal, LeavesLibTorchsGeneratorAsItWas) {
  const auto state = [] { return at::detail::getDefaultCPUGenerator().get_state(); };
  const at::Tensor before = state();
  EXPECT_EQ(refusal(small_options("dppf"), kNormalises), "no error");  // it has dropout
  EXPECT_TRUE(at::equal(state(), before));
}

// --- what no rehearsal sees ----------------------------------------------------------------------

TEST(BrokenOff, AModelThatFailsLaterNamesStepWorkerAndTheLastCheckpoint) {
  for (const int workers : {1, 2}) {
    const TestFolder folder;
    SmallTraining training{.workers = workers, .options = small_options("local-sgd")};
    training.options.evaluate_every = 0;
    std::atomic<int> made = 0;
    training.model = [&] {
      const bool fails = ++made == workers;
      return wrap(make_net([&](Net& net) { net.fails_from = fails ? 8 : 1 << 30; }));
    };
    const std::string text = error_of<ModelError>([&] { train(training); });
    EXPECT_TRUE(text.starts_with("the table is full: broken off after step 7 on worker ")) << text;
    EXPECT_EQ(text.size(),
              std::string("the table is full: broken off after step 7 on worker 0").size());

    made = 0;
    training.options.out = folder.path().string();
    training.options.checkpoint_every = 3;
    EXPECT_TRUE(error_of<ModelError>([&] { train(training); })
                    .ends_with(fmt::format("; the last good checkpoint is {}/step-00000006",
                                           (folder / "checkpoints").string())));
    EXPECT_EQ(Checkpoints(folder / std::string(RunFolder::kCheckpoints)).latest()->step, 6);
  }
}

// In an evaluation, too: no mistake of a request is found after the first step.
TEST(BrokenOff, AnEvaluationThatFailsIsNoMistakenRequest) {
  SmallTraining training{.workers = 1, .options = small_options("local-sgd")};
  training.model = [&] { return wrap(make_net([](Net& net) { net.fails_from = 7; })); };
  EXPECT_EQ(error_of<ModelError>([&] { train(training); }),
            "the table is full: broken off after step 6 on worker 0");
}

// --- the mode ------------------------------------------------------------------------------------

at::Tensor trained(const Change& change, const std::filesystem::path& out = {},
                   bool resume = false) {
  SmallTraining training{.workers = 2, .options = small_options("dppf")};
  training.options.out = out.string();
  training.options.resume = resume;
  training.options.checkpoint_every = 9;
  training.options.keep_checkpoints = 5;
  training.model = [&] { return wrap(make_net(change)); };
  return train(training).x[0];
}

TEST(Mode, AModuleHandedOverInEvaluationModeTrainsAsOneInTrainMode) {
  const at::Tensor expected = trained(kNormalises);
  EXPECT_TRUE(at::equal(trained([](Net& net) {
                          net.normalises = true;
                          net.eval();
                        }),
                        expected));
}

TEST(Mode, AFrozenPartStaysInEvaluationModeAndARunResumesToTheSameBits) {
  const TestFolder folder;
  const Change frozen = [](Net& net) {
    net.normalises = true;
    net.norm->eval();
  };
  std::filesystem::create_directory(folder / "run");
  const at::Tensor expected = trained(frozen, folder / "run");
  EXPECT_FALSE(at::equal(expected, trained(kNormalises)));
  std::filesystem::remove_all(folder / "run/checkpoints/step-00000020");
  ASSERT_TRUE(std::filesystem::exists(folder / "run/checkpoints/step-00000018"));
  EXPECT_TRUE(at::equal(trained(frozen, folder / "run", /*resume=*/true), expected));

  // Its statistics are those it came with.
  const auto net = make_net(frozen);
  SmallTraining training{.workers = 1, .options = small_options("dppf")};
  training.model = [&] { return wrap(net); };
  train(training);
  EXPECT_TRUE(at::equal(net->norm->running_mean, at::zeros({5})));
  EXPECT_TRUE(at::equal(net->norm->running_var, at::ones({5})));
  EXPECT_FALSE(net->norm->is_training());
  EXPECT_TRUE(net->is_training());
}

// --- a module that writes to its input -----------------------------------------------------------

TEST(OwnInput, SamsSecondPassSeesTheBatchThatTheFirstOneSaw) {
  struct Writes : Net {
    explicit Writes(bool in_place) : in_place_(in_place) {}
    at::Tensor forward(const at::Tensor& x) {
      return Net::forward(in_place_ ? at::Tensor(x).mul_(0.5) : x * 0.5);
    }
    bool in_place_;
  };
  const auto trained_writing = [](bool in_place) {
    SmallTraining training{.workers = 1, .options = small_options("dppf")};
    training.options.sam = {.rho = 0.1};
    training.model = [=] {
      const InitialisationScope seeded(3);
      return wrap(std::make_shared<Writes>(in_place));
    };
    return train(training).x[0];
  };
  EXPECT_TRUE(at::equal(trained_writing(true), trained_writing(false)));
}

}  // namespace
}  // namespace valley::rehearsal_test
