#include "valley/evaluation/evaluate.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/eq.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "valley/comm/group.h"
#include "valley/data/dataset.h"
#include "valley/evaluation/batch_norm.h"
#include "valley/models/registry.h"
#include "valley/optim/flat_parameters.h"

namespace valley::evaluate_test {
namespace {

const DataSplits& blobs() {
  static const DataSplits data =
      load_data("blobs", {.train_samples = 150, .test_samples = 77, .seed = 3});
  return data;
}

TEST(Evaluate, EqualsADirectComputationForEveryNumberOfWorkers) {
  const auto model = make_model("mlp", {.seed = 1});
  const Dataset& test = *blobs().test;
  double loss = 0, accuracy = 0;
  {
    const c10::NoGradGuard no_grad;
    const at::Tensor logits = model->forward(test.inputs).to(at::kDouble);
    loss = at::cross_entropy_loss(logits, test.targets).item<double>();
    accuracy = at::eq(at::argmax(logits, 1), test.targets).to(at::kDouble).mean().item<double>();
  }
  EXPECT_GT(accuracy, 0);  // an untrained model hits a few by chance

  std::vector<double> losses;
  for (const int workers : {1, 2, 3}) {
    run_threads(workers, [&](Communicator& comm) {
      const auto own = make_model("mlp", {.seed = 1});
      const Scores scores = evaluate(*own, blobs().test, *blobs().train, comm, {.batch_size = 16});
      EXPECT_NEAR(scores.loss(), loss, 1e-6);
      EXPECT_EQ(scores["accuracy"], accuracy);
      if (comm.rank() == 0) losses.push_back(scores.loss());
    });
  }
  EXPECT_NEAR(losses[1], losses[0], 1e-13);
  EXPECT_NEAR(losses[2], losses[0], 1e-13);
}

TEST(Evaluate, MoreWorkersThanBatches) {
  run_threads(3, [&](Communicator& comm) {
    const auto model = make_model("mlp", {.seed = 1});
    const Scores scores = evaluate(*model, blobs().test, *blobs().train, comm);
    EXPECT_GT(scores.loss(), 0);
  });
}

// Normalised by the statistics given, not by the data set's own.
TEST(Evaluate, NormalisesByTheTrainingSet) {
  const auto model = make_model("mlp", {.seed = 1});
  const auto comm = make_solo();
  Dataset statistics = *blobs().train;
  statistics.mean.assign(1, 0.5f);
  statistics.stddev.assign(1, 2);
  const Scores scores = evaluate(*model, blobs().test, statistics, *comm);
  const c10::NoGradGuard no_grad;
  const at::Tensor logits = model->forward((blobs().test->inputs - 0.5) / 2);
  EXPECT_NEAR(scores.loss(), at::cross_entropy_loss(logits, blobs().test->targets).item<double>(),
              1e-6);
}

// In eval mode, and train mode afterwards: BatchNorm tells the two apart.
TEST(Evaluate, UsesAndKeepsTheRunningStatistics) {
  const auto model = make_model("resnet-8", {.seed = 1});
  const FlatParameters parameters(model->parameters(), model->buffers());
  at::Tensor(parameters.buffers()).fill_(0.25);
  const auto comm = make_solo();
  evaluate(*model, blobs().test, *blobs().train, *comm);
  EXPECT_TRUE(at::equal(parameters.buffers(), at::zeros(parameters.buffers().sizes()) + 0.25));
  const c10::NoGradGuard no_grad;
  model->forward(blobs().test->inputs);
  EXPECT_FALSE(at::equal(parameters.buffers(), at::zeros(parameters.buffers().sizes()) + 0.25));
}

TEST(Evaluate, BorrowedValuesLeaveEverythingAsItWas) {
  const auto model = make_model("resnet-8", {.seed = 1});
  const FlatParameters parameters(model->parameters(), model->buffers());
  {
    const c10::NoGradGuard no_grad;  // away from the initial statistics, counters above zero
    model->forward(blobs().test->inputs);
  }
  const at::Tensor values = parameters.values().clone(), buffers = parameters.buffers().clone();
  ASSERT_FALSE(parameters.other_buffers().empty());
  const auto comm = make_solo();
  {
    const BorrowedValues borrowed(parameters, values * 0.5);
    reestimate_batch_norm(*model, parameters, blobs().train, *comm, {.batch_size = 50});
    evaluate(*model, blobs().test, *blobs().train, *comm);
    EXPECT_FALSE(at::equal(parameters.buffers(), buffers));
  }
  EXPECT_TRUE(at::equal(parameters.values(), values));
  EXPECT_TRUE(at::equal(parameters.buffers(), buffers));
  for (const auto& [name, tensor] : parameters.other_buffers()) {
    EXPECT_EQ(tensor.item<int64_t>(), 1) << name;
  }
}

// A linear network of two classes: every value moves by EPS against the difference of the two rows,
// so that the logits' difference falls by EPS ||w_0 - w_1||_1 whatever the example.
TEST(Evaluate, UnderAttackALinearNetworkLosesWhatAnalysisSays) {
  class Linear : public Model {
   public:
    at::Tensor forward(const at::Tensor& input) override {
      return at::mm(input.flatten(1), weight.t());
    }
    std::vector<NamedTensor> parameters() override { return {{"weight", weight}}; }
    std::vector<NamedTensor> buffers() override { return {}; }
    void train(bool) override {}
    at::Tensor weight = (at::arange(8, at::kFloat).view({2, 4}) / 8).set_requires_grad(true);
  } linear;
  const at::Tensor inputs = at::randn({9, 1, 2, 2});
  auto data = std::make_shared<Dataset>(
      Dataset{.inputs = inputs, .targets = at::arange(9) % 2, .mean = {0}, .stddev = {2}});
  data->classes = 2;
  const double epsilon = 0.3, lost = epsilon / 2 * 4 * 0.5;  // four differences of 4 / 8
  const c10::NoGradGuard no_grad;
  const at::Tensor logits = at::mm(inputs.flatten(1) / 2, linear.weight.t());
  const at::Tensor margin = (logits.select(1, 0) - logits.select(1, 1)) * (1 - 2 * data->targets);
  for (const int workers : {1, 3}) {
    run_threads(workers, [&](Communicator& comm) {
      for (const char* attack : {"fgsm:0.3", "pgd:0.3:5"}) {
        const Scores scores =
            evaluate(linear, data, *data, comm, {.batch_size = 2, .attack = parse_attack(attack)});
        EXPECT_NEAR(scores["accuracy"], (margin > lost).to(at::kDouble).mean().item<double>(),
                    1e-12);
        EXPECT_NEAR(scores.loss(), (-margin + lost).exp().log1p().mean().item<double>(), 1e-6);
      }
    });
  }
}

}  // namespace
}  // namespace valley::evaluate_test
