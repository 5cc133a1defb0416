#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/golden/ddp_lenet.h"
#include "valley/algorithms/ssgd.h"
#include "valley/comm/group.h"
#include "valley/models/registry.h"
#include "valley/train/trainer.h"

namespace valley::ddp_parity_test {
namespace {

constexpr uint64_t kSeed = 4;

// One epoch of 100 steps in which the sampler's shuffled order gives every worker the recipe's
// batches: the inverse permutation. Pixels are the bytes as floats, (byte - 128) / 128 once
// normalised, all exact.
DataSplits recipe_data(const Dataset& source, int workers) {
  const int64_t n = golden::kSteps * workers * golden::kBatch;
  auto data = std::make_shared<Dataset>();
  data->inputs = at::empty({n, 1, 28, 28});
  data->targets = at::empty({n}, at::kLong);
  data->classes = 10;
  data->mean = {128};
  data->stddev = {128};
  for (int rank = 0; rank < workers; ++rank) {
    Sampler sampler({.examples = n,
                     .batch_size = golden::kBatch,
                     .rank = rank,
                     .workers = workers,
                     .seed = kSeed});
    for (int64_t step = 0; step < golden::kSteps; ++step) {
      const auto [input, target] =
          golden::batch(source.inputs, source.targets, step, rank, workers);
      const auto places = sampler.batch(step);
      for (int64_t i = 0; i < golden::kBatch; ++i) {
        data->inputs[places[i]].copy_(input[i] * 128 + 128);
        data->targets[places[i]].copy_(target[i]);
      }
    }
  }
  return {data, data};
}

// Takes the batches as float64 and keeps the logits of every step.
class Watched : public Model {
 public:
  Watched() : lenet_(make_model("lenet", {})) { golden::set_initial_weights(*lenet_); }
  at::Tensor forward(const at::Tensor& input) override {
    if (!training_) return at::zeros({input.size(0), 10}, at::kDouble);  // no need to evaluate
    logits.push_back(lenet_->forward(input.to(at::kDouble)));
    return logits.back();
  }
  std::vector<NamedTensor> parameters() override { return lenet_->parameters(); }
  std::vector<NamedTensor> buffers() override { return lenet_->buffers(); }
  void train(bool on) override { training_ = on; }

  std::vector<at::Tensor> logits;

 private:
  std::unique_ptr<Model> lenet_;
  bool training_ = true;
};

class DdpParity : public testing::TestWithParam<int> {};

// ssgd through the whole trainer is PyTorch's DistributedDataParallel, loss by loss.
TEST_P(DdpParity, SsgdGivesItsLosses) {
  const int workers = GetParam();
  const auto folder = std::filesystem::path("tests/golden");
  const golden::DdpLenet expected =
      golden::read_ddp_lenet(folder / fmt::format("ddp_lenet_{}.json", workers));
  const auto source = load_data("fashion-mnist", {}).train;
  const DataSplits data = recipe_data(*source, workers);

  TrainOptions options;
  options.algorithm = "ssgd";
  options.algorithm_options = SsgdOptions{.bucket_bytes = 100000};  // six buckets
  options.steps = golden::kSteps;
  options.batch_size = golden::kBatch;
  options.evaluate_every = 0;
  options.seed = kSeed;
  options.learning_rate = {.shape = LrShape::kConstant, .base = golden::kLearningRate};
  options.optimizer = {
      .momentum = golden::kMomentum, .nesterov = true, .weight_decay = golden::kWeightDecay};
  run_threads(workers, [&](Communicator& comm) {
    at::set_num_threads(1);
    Watched model;
    Trainer trainer(comm, model, data, options);
    trainer.run();
    ASSERT_EQ(model.logits.size(), static_cast<size_t>(golden::kSteps));
    for (int64_t step = 0; step < golden::kSteps; ++step) {
      const at::Tensor target =
          golden::batch(source->inputs, source->targets, step, comm.rank(), workers).target;
      const double loss = at::cross_entropy_loss(model.logits[step], target).item<double>();
      ASSERT_NEAR(loss, expected.losses[step][comm.rank()], golden::kTolerance)
          << "step " << step << " worker " << comm.rank();
    }
    EXPECT_NEAR(trainer.parameters().values().norm().item<double>() / expected.norm, 1,
                golden::kTolerance);
    for (const auto& range : trainer.parameters().ranges()) {
      const double norm =
          trainer.parameters().values().narrow(0, range.offset, range.size).norm().item<double>();
      EXPECT_NEAR(norm / expected.norms.at(range.name), 1, golden::kTolerance) << range.name;
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Golden, DdpParity, testing::Values(2, 3));

}  // namespace
}  // namespace valley::ddp_parity_test
