#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "valley/comm/group.h"
#include "valley/core/error.h"
#include "valley/core/fused_passes.h"
#include "valley/core/testing/test_folder.h"
#include "valley/record/run_folder.h"
#include "valley/train/checkpoint.h"
#include "valley/train/testing/small_training.h"

namespace valley::diverged_test {
namespace {

// A small model whose logits are no numbers from the k-th forward pass in train mode on.
class Poisoned : public Model {
 public:
  Poisoned(int from, double poison) : inner_(small_model(SmallModel::kPlain)) {
    from_ = from;
    poison_ = poison;
  }
  at::Tensor forward(const at::Tensor& input) override {
    const bool bad = training_ && ++calls_ >= from_;
    return bad ? inner_->forward(input) * poison_ : inner_->forward(input);
  }
  std::vector<NamedTensor> parameters() override { return inner_->parameters(); }
  std::vector<NamedTensor> buffers() override { return inner_->buffers(); }
  void train(bool on) override {
    training_ = on;
    inner_->train(on);
  }

 private:
  std::unique_ptr<Model> inner_;
  int from_, calls_ = 0;
  double poison_;
  bool training_ = true;
};

constexpr int kNever = 1 << 30;

// Trains with worker 1 of `workers` poisoned and gives the error's text.
std::string diverge(const TrainOptions& options, int workers, int from,
                    double poison = std::numeric_limits<double>::quiet_NaN()) {
  const DataSplits data = small_data(kSmallExamples * workers);
  std::atomic<int> ended = 0;
  const std::string text = error_of<Diverged>([&] {
    run_threads(workers, [&](Communicator& comm) {
      const bool culprit = comm.rank() == std::min(1, workers - 1);
      Poisoned model(culprit ? from : kNever, poison);
      Trainer trainer(comm, model, data, options);
      try {
        trainer.run();
      } catch (const CommError&) {
        EXPECT_FALSE(culprit);
        ++ended;
        throw;
      }
    });
  });
  EXPECT_EQ(ended, workers - 1);  // the others end as well, with the echo
  return text;
}

TEST(Diverged, NamesStepWorkerAndTheLastGoodCheckpoint) {
  for (const AlgorithmEntry& entry : algorithms()) {
    for (const int workers : {1, 3}) {
      SCOPED_TRACE(fmt::format("{} {}", entry.name, workers));
      const TestFolder folder;
      TrainOptions options = small_options(entry.name);
      options.out = folder.path().string();
      options.checkpoint_every = 3;
      const std::filesystem::path checkpoints = folder / std::string(RunFolder::kCheckpoints);
      EXPECT_EQ(diverge(options, workers, 8),
                fmt::format("the loss is nan at step 8 on worker {}; the last good checkpoint is "
                            "{}/step-00000006",
                            workers == 1 ? 0 : 1, checkpoints.string()));
      const auto manifest = Checkpoints(checkpoints).latest();
      ASSERT_TRUE(manifest);
      EXPECT_EQ(manifest->step, 6);
      for (int m = 0; m < workers; ++m) {
        for (const auto& [name, tensor] : Checkpoints(checkpoints).load(*manifest, m).tensors) {
          if (name == "x") {
            EXPECT_TRUE(std::isfinite(tensor.abs().max().item<double>()));
          }
        }
      }

      // And one can go on from it.
      SmallTraining rest{.workers = workers, .options = options};
      rest.options.resume = true;
      EXPECT_EQ(train(rest).summaries[0].status, RunState::Kind::kFinished);
    }
  }
}

TEST(Diverged, SaysWhatElseMayHelp) {
  const TestFolder folder;
  TrainOptions options = small_options("dppf");
  EXPECT_EQ(diverge(options, 2, 2, -std::numeric_limits<double>::quiet_NaN()),
            "the loss is nan at step 2 on worker 1; a smaller lr or a stronger pull may help");
  options.out = folder.path().string();
  EXPECT_EQ(diverge(options, 2, 2),
            "the loss is nan at step 2 on worker 1; there is no checkpoint yet "
            "(checkpoint-every)");
}

// The loss is a number, 1e307 or so, but the step along its gradient leaves them.
TEST(Diverged, WeightsAreSeenBeforeABadCheckpointIsWritten) {
  const TestFolder folder;
  TrainOptions options = small_options("local-sgd");
  options.learning_rate = {.shape = LrShape::kConstant, .base = 100};
  options.optimizer = {.momentum = 0};
  options.checkpoint_every = 1;
  options.out = folder.path().string();
  EXPECT_EQ(diverge(options, 2, 1, 1e307),
            "a weight is not finite after step 1 on worker 1; there is no checkpoint yet "
            "(checkpoint-every)");
  EXPECT_FALSE(Checkpoints(folder / std::string(RunFolder::kCheckpoints)).latest());

  // Nor is such a model handed out where there are no checkpoints.
  options.out = "";
  options.steps = 1;
  EXPECT_EQ(diverge(options, 2, 1, 1e307),
            "a weight is not finite after step 1 on worker 1; a smaller lr or a stronger pull "
            "may help");
}

// On a device nobody waits to see a loss: it is seen with the next that is shown, or with the
// weights.
TEST(Diverged, WhereNobodyWaitsItIsSeenBeforeAnythingIsShownOrSaved) {
  const OperatorsOnly only;
  TrainOptions options = small_options("dppf");
  EXPECT_EQ(
      diverge(options, 1, 8),
      "the mean loss is nan at step 12 on worker 0; a smaller lr or a stronger pull may help");
  const TestFolder folder;
  options.out = folder.path().string();
  options.checkpoint_every = 3;
  EXPECT_EQ(diverge(options, 1, 8),
            fmt::format("a weight is not finite after step 9 on worker 0; the last good checkpoint "
                        "is {}/step-00000006",
                        (folder / std::string(RunFolder::kCheckpoints)).string()));
}

// All weights are numbers, but the loss of where the last step led to is none.
TEST(Diverged, TheAverageIsSeenAtTheEnd) {
  for (const int workers : {1, 2}) {
    SmallTraining training{.workers = workers, .options = small_options("local-sgd")};
    training.options.learning_rate = {.shape = LrShape::kConstant, .base = 1e200};
    training.options.optimizer = {.momentum = 0};
    training.options.steps = 1;
    EXPECT_EQ(error_of<Diverged>([&] { train(training); }),
              "the loss of the workers' average is nan at the end; a smaller lr or a stronger "
              "pull may help");
  }
}

}  // namespace
}  // namespace valley::diverged_test
