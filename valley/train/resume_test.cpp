#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/models/safetensors.h"
#include "valley/record/run_folder.h"
#include "valley/train/checkpoint.h"
#include "valley/train/testing/small_training.h"

namespace valley::resume_test {
namespace {

namespace fs = std::filesystem;

fs::path checkpoints_of(const fs::path& folder) { return folder / RunFolder::kCheckpoints; }

std::string step_folder(int64_t step) { return fmt::format("step-{:08}", step); }

struct Case {
  std::string algorithm;
  bool adamw;
  int workers;
  Precision precision = Precision::kFloat32;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.algorithm << (c.adamw ? " adamw " : " sgd ") << c.workers
             << (c.precision == Precision::kBf16 ? " bf16" : "");
}

SmallTraining training_of(const Case& c, SmallModel model) {
  SmallTraining training{.workers = c.workers, .options = small_options(c.algorithm)};
  training.options.precision = c.precision;
  training.options.augmentation = {.crop_padding = 1, .flip = true};
  training.options.optimizer = {.kind = c.adamw ? OptimizerKind::kAdamW : OptimizerKind::kSgd,
                                .momentum = 0.9,
                                .nesterov = true,
                                .weight_decay = 1e-2};
  if (find_algorithm(c.algorithm).owns_update) training.options.optimizer.weight_decay = 0;
  training.set("period", "9");
  training.set("quasi-momentum", 0.05);  // with the optimizer's .9 below 1
  training.options.decay_rule = DecayRule::kMatrices;
  training.set("push-schedule", "decreasing");
  training.set("bucket-bytes", int64_t{512});  // several buckets
  training.model = [model] { return small_model(model, 3); };
  return training;
}

SmallTraining in_folder(SmallTraining training, const fs::path& out, bool resume = false) {
  fs::create_directories(out);
  training.options.out = out.string();
  training.options.resume = resume;
  return training;
}

void expect_same_tensors(const TensorFile& a, const TensorFile& b) {
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (size_t i = 0; i < a.tensors.size(); ++i) {
    EXPECT_EQ(a.tensors[i].name, b.tensors[i].name);
    EXPECT_TRUE(at::equal(a.tensors[i].tensor, b.tensors[i].tensor)) << a.tensors[i].name;
  }
}

// What two finished runs of 20 steps left, except for the time it took.
void expect_same_run(const fs::path& a, const fs::path& b, int workers) {
  const int64_t last = Checkpoints(checkpoints_of(a)).latest()->step;
  for (int m = 0; m < workers; ++m) {
    const std::string file = fmt::format("{}/worker-{}.safetensors", step_folder(last), m);
    SCOPED_TRACE(file);
    const TensorFile left = load_safetensors((checkpoints_of(a) / file).string());
    const TensorFile right = load_safetensors((checkpoints_of(b) / file).string());
    expect_same_tensors(left, right);
    Json states[2] = {Json::parse(left.metadata.at("state")),
                      Json::parse(right.metadata.at("state"))};
    for (Json& state : states) state.at("meters").erase("seconds");
    EXPECT_EQ(states[0], states[1]);
  }
  EXPECT_EQ(slurp(a / RunFolder::kModel), slurp(b / RunFolder::kModel));
  EXPECT_EQ(metrics_without_seconds(a), metrics_without_seconds(b));
  Json summaries[2] = {read_json(a / RunFolder::kSummary), read_json(b / RunFolder::kSummary)};
  for (Json& summary : summaries) {
    for (const char* key : {"seconds", "samples_per_second", "peak_rss_bytes"}) summary.erase(key);
  }
  EXPECT_EQ(summaries[0], summaries[1]);
}

class Resume : public testing::TestWithParam<Case> {
 protected:
  SmallTraining training() const { return training_of(GetParam(), SmallModel::kBatchNorm); }

  // What the uninterrupted run of this case left; trained once for all tests.
  fs::path whole() const {
    static const TestFolder folder;
    const fs::path path = folder / testing::PrintToString(GetParam());
    if (!fs::exists(path)) train(in_folder(training(), path));
    return path;
  }
};

// Six steps an epoch, rounds every nine, checkpoints every three.
constexpr int64_t kInsideAPeriod = 3, kEpochEnd = 6, kRound = 9, kBoth = 18, kEnd = 20;

TEST_P(Resume, EqualsTheUninterruptedRunBitForBit) {
  const TestFolder folder;
  const SmallTraining training = this->training();
  SmallTraining often = in_folder(training, folder / "often");
  often.options.checkpoint_every = 3;
  often.options.keep_checkpoints = 100;
  train(often);
  expect_same_run(whole(), folder / "often", training.workers);

  // Killed some steps after the checkpoint of step s: metrics go further than it.
  std::vector<int64_t> steps = {kInsideAPeriod, kRound};
  if (training.workers == 2) steps.insert(steps.end(), {kEpochEnd, kBoth, kEnd});
  for (const int64_t s : steps) {
    SCOPED_TRACE(s);
    const fs::path resumed = folder / fmt::format("resumed-{}", s);
    fs::create_directories(checkpoints_of(resumed));
    fs::copy(checkpoints_of(folder / "often") / step_folder(s),
             checkpoints_of(resumed) / step_folder(s));
    fs::copy(folder / "often" / RunFolder::kMetrics, resumed / RunFolder::kMetrics);
    train(in_folder(training, resumed, /*resume=*/true));
    expect_same_run(whole(), resumed, training.workers);
  }
}

// Asked at step 5: all stop at the same one, at their next meeting at the latest.
TEST_P(Resume, AStoppedRunGoesOnAsIfNothingHadBeen) {
  const TestFolder folder;
  const SmallTraining training = this->training();
  std::atomic<bool> stop = false;
  RecordingProgress progress;
  progress.on_update = [&](const ProgressState& state) { stop = stop || state.step == 4; };
  SmallTraining stopped = in_folder(training, folder / "stopped");
  stopped.progress = &progress;
  stopped.stop = &stop;
  const Outcome outcome = train(stopped);
  const int64_t step = outcome.summaries[0].steps;
  for (const Summary& summary : outcome.summaries) {
    EXPECT_EQ(summary.status, RunState::Kind::kInterrupted);
    EXPECT_EQ(summary.steps, step);
  }
  // Another worker may see the wish while worker 0 is still showing step 4. 6: at the gradients, or
  // the evaluation.
  EXPECT_TRUE(step == 5 || (training.workers > 1 && step == 6)) << step;
  EXPECT_EQ(read_json(folder / "stopped" / RunFolder::kSummary).at("status"), "interrupted");
  EXPECT_FALSE(fs::exists(folder / "stopped" / RunFolder::kModel));
  const auto manifest = Checkpoints(checkpoints_of(folder / "stopped")).latest();
  ASSERT_TRUE(manifest);
  EXPECT_EQ(manifest->step, step);

  RecordingProgress resumed;
  SmallTraining rest = in_folder(training, folder / "stopped", /*resume=*/true);
  rest.progress = &resumed;
  train(rest);
  EXPECT_EQ(resumed.messages,
            std::vector<std::string>{fmt::format("resuming at step {} of 20", step)});
  expect_same_run(whole(), folder / "stopped", training.workers);
}

// Every method with either optimizer, with two workers and with three. Alone they are all the plain
// optimizer (the contract), so two of them do for one worker: one of rounds, one of every step.
std::vector<Case> cases() {
  std::vector<Case> result = {
      {"dppf", false, 1}, {"gradient-tracking", true, 1}, {"dppf", false, 2, Precision::kBf16}};
  for (const AlgorithmEntry& entry : algorithms()) {
    if (entry.asynchronous) continue;  // AnAsynchronousRunStopsAndGoesOn
    result.push_back({entry.name, false, 3});
    result.push_back({entry.name, true, 2});
  }
  return result;
}

INSTANTIATE_TEST_SUITE_P(Trainer, Resume, testing::ValuesIn(cases()));

// What this room draws, remembers or computes by itself, with a method of rounds and dropout.
std::vector<std::pair<std::string, std::function<void(TrainOptions&)>>> habits() {
  return {
      {"accumulate", [](TrainOptions& o) { o.accumulate = 3; }},
      {"blended", [](TrainOptions& o) { o.augmentation = {.mixup = 0.4, .cutmix = 1}; }},
      {"adversarial",
       [](TrainOptions& o) {
         o.adversarial = {.attack = parse_attack("pgd:0.05:2"), .clean = 0.3};
       }},
      {"fewer steps", [](TrainOptions& o) { o.fewer_steps = 1; }},
      {"erased", [](TrainOptions& o) { o.augmentation = {.crop_padding = 1, .erase = 0.5}; }},
      {"personal",
       [](TrainOptions& o) {
         o.personal = "fc.*";
         o.partition = parse_partition("shards:1");
       }},
      {"ema", [](TrainOptions& o) { o.average = {.kind = AverageKind::kEma, .beta = 0.7}; }},
      {"last", [](TrainOptions& o) { o.average = {.kind = AverageKind::kLast, .count = 3}; }},
  };
}

TEST(ResumeFrom, EveryHabitGoesOnBitForBit) {
  for (const auto& [name, change] : habits()) {
    for (const bool adamw : {false, true}) {
      SCOPED_TRACE(name);
      const TestFolder folder;
      SmallTraining training = training_of({"dppf", adamw, 2}, SmallModel::kBatchNorm);
      training.set("period", "2");
      change(training.options);
      train(in_folder(training, folder / "whole"));
      SmallTraining often = in_folder(training, folder / "often");
      often.options.checkpoint_every = 7;
      often.options.keep_checkpoints = 100;
      train(often);
      expect_same_run(folder / "whole", folder / "often", 2);
      fs::create_directories(checkpoints_of(folder / "resumed"));
      fs::copy(checkpoints_of(folder / "often") / step_folder(7),
               checkpoints_of(folder / "resumed") / step_folder(7));
      fs::copy(folder / "often" / RunFolder::kMetrics, folder / "resumed" / RunFolder::kMetrics);
      train(in_folder(training, folder / "resumed", /*resume=*/true));
      expect_same_run(folder / "whole", folder / "resumed", 2);
    }
  }
}

TEST(ResumeFrom, OptimizersThatMeetOrForgetGoOnBitForBit) {
  for (const char* state : {"average", "reset"}) {
    for (const bool adamw : {false, true}) {
      SCOPED_TRACE(state);
      const TestFolder folder;
      SmallTraining training = training_of({"dppf", adamw, 2}, SmallModel::kPlain);
      training.set("period", "2");
      training.set("optimizer-state", std::string(state));
      train(in_folder(training, folder / "whole"));
      SmallTraining often = in_folder(training, folder / "often");
      often.options.checkpoint_every = 5;
      often.options.keep_checkpoints = 100;
      train(often);
      for (const int64_t step : {5, 10}) {  // within a period, and after a round
        const fs::path resumed = folder / fmt::format("resumed-{}", step);
        fs::create_directories(checkpoints_of(resumed));
        fs::copy(checkpoints_of(folder / "often") / step_folder(step),
                 checkpoints_of(resumed) / step_folder(step));
        fs::copy(folder / "often" / RunFolder::kMetrics, resumed / RunFolder::kMetrics);
        train(in_folder(training, resumed, /*resume=*/true));
        expect_same_run(folder / "whole", resumed, 2);
      }
    }
  }
}

// At a constant rate a longer run is the shorter one, and then some.
TEST(ResumeFrom, AnExtendedRunIsTheLongerOneBitForBit) {
  const TestFolder folder;
  SmallTraining training = training_of({"dppf", true, 2}, SmallModel::kBatchNorm);
  training.set("push-schedule", "constant");
  training.set("period", "3");
  training.options.learning_rate.shape = LrShape::kConstant;
  train(in_folder(training, folder / "run"));  // 20 steps
  SmallTraining longer = in_folder(training, folder / "whole");
  longer.options.steps = 32;
  train(longer);
  SmallTraining extended = in_folder(longer, folder / "run", /*resume=*/true);
  EXPECT_EQ(error_of<UsageError>([&] { train(extended); }),
            "the checkpoint is of dppf over 20 steps, the run of dppf over 32");
  extended.options.extend = true;
  train(extended);
  for (int m = 0; m < 2; ++m) {
    const std::string file = fmt::format("{}/worker-{}.safetensors", step_folder(32), m);
    expect_same_tensors(load_safetensors((checkpoints_of(folder / "whole") / file).string()),
                        load_safetensors((checkpoints_of(folder / "run") / file).string()));
  }
  EXPECT_TRUE(slurp(folder / "whole" / RunFolder::kModel) ==
              slurp(folder / "run" / RunFolder::kModel));
  extended.options.steps = 8;
  EXPECT_EQ(error_of<UsageError>([&] { train(extended); }),
            "the run has done 32 steps, 8 are asked for");
}

// Its first checkpoint is of the longer run, with which it goes on without being told.
TEST(ResumeFrom, AnExtendedRunGoesOnAsTheLongerOne) {
  const TestFolder folder;
  SmallTraining training = training_of({"dppf", false, 2}, SmallModel::kPlain);
  train(in_folder(training, folder / "run"));
  std::atomic<bool> stop = true;
  SmallTraining extended = in_folder(training, folder / "run", /*resume=*/true);
  extended.options.steps = 32;
  extended.options.extend = true;
  extended.stop = &stop;
  EXPECT_EQ(train(extended).summaries[0].status, RunState::Kind::kInterrupted);
  extended.options.extend = false;
  extended.stop = nullptr;
  EXPECT_EQ(train(extended).summaries[0].steps, 32);
}

TEST(ResumeFrom, NothingIsAStart) {
  const TestFolder folder;
  const SmallTraining training = training_of({"dppf", false, 2}, SmallModel::kBatchNorm);
  train(in_folder(training, folder / "whole"));
  train(in_folder(training, folder / "new", /*resume=*/true));
  expect_same_run(folder / "whole", folder / "new", 2);
}

TEST(ResumeFrom, AFinishedRunRepeatsItsEnd) {
  const TestFolder folder;
  const SmallTraining training = training_of({"dppf", false, 2}, SmallModel::kBatchNorm);
  train(in_folder(training, folder / "whole"));
  train(in_folder(training, folder / "again"));
  train(in_folder(training, folder / "again", /*resume=*/true));
  expect_same_run(folder / "whole", folder / "again", 2);
}

TEST(ResumeFrom, ARunThatHasReachedItsLossTrainsNoFurther) {
  const TestFolder folder;
  SmallTraining training = training_of({"dppf", false, 2}, SmallModel::kBatchNorm);
  training.options.until_loss = 100;  // the first evaluation is low enough
  training.options.evaluate_every = 1;
  train(in_folder(training, folder / "whole"));
  train(in_folder(training, folder / "again"));
  train(in_folder(training, folder / "again", /*resume=*/true));
  expect_same_run(folder / "whole", folder / "again", 2);
  EXPECT_LT(Checkpoints(folder / "again" / "checkpoints").latest()->step, training.options.steps);
}

// On another course than without the stop, but to the end.
TEST(ResumeFrom, AnAsynchronousRunStopsAndGoesOn) {
  for (const int workers : {2, 3}) {
    const TestFolder folder;
    const SmallTraining training = training_of({"ad-psgd", false, workers}, SmallModel::kBatchNorm);
    std::atomic<bool> stop = false;
    RecordingProgress progress, resumed;
    progress.on_update = [&](const ProgressState& state) { stop = stop || state.step == 2; };
    SmallTraining stopped = in_folder(training, folder / "run");
    stopped.progress = &progress;
    stopped.stop = &stop;
    for (const Summary& summary : train(stopped).summaries) {
      EXPECT_EQ(summary.status, RunState::Kind::kInterrupted);
      EXPECT_EQ(summary.steps, 6);  // where all meet, at the end of the epoch
    }
    SmallTraining rest = in_folder(training, folder / "run", /*resume=*/true);
    rest.progress = &resumed;
    const Outcome outcome = train(rest);
    EXPECT_EQ(resumed.messages, std::vector<std::string>{"resuming at step 6 of 20"});
    for (const Summary& summary : outcome.summaries) {
      EXPECT_EQ(summary.status, RunState::Kind::kFinished);
      EXPECT_EQ(summary.steps, 20);
      EXPECT_EQ(summary.rounds, 21);  // with the last average
    }
    for (const at::Tensor& x : outcome.x) EXPECT_TRUE(at::equal(x, outcome.x[0]));
  }
}

// A model of equal size.
class Renamed : public Model {
 public:
  explicit Renamed(std::unique_ptr<Model> model) : model_(std::move(model)) {}
  at::Tensor forward(const at::Tensor& input) override { return model_->forward(input); }
  std::vector<NamedTensor> parameters() override {
    std::vector<NamedTensor> result = model_->parameters();
    for (auto& item : result) {
      if (item.name.starts_with("fc.")) item.name.replace(0, 2, "head");
    }
    return result;
  }
  std::vector<NamedTensor> buffers() override { return model_->buffers(); }
  void train(bool on) override { model_->train(on); }

 private:
  std::unique_ptr<Model> model_;
};

TEST(ResumeFrom, AnotherRunIsRefused) {
  const TestFolder folder;
  SmallTraining training = training_of({"dppf", false, 2}, SmallModel::kBatchNorm);
  train(in_folder(training, folder / "run"));
  const auto message = [&](const SmallTraining& other) {
    return error_of<UsageError>([&] { train(in_folder(other, folder / "run", true)); });
  };
  SmallTraining other = training;
  other.options.algorithm = "ssgd";
  other.options.algorithm_options = {};
  EXPECT_EQ(message(other), "the checkpoint is of dppf over 20 steps, the run of ssgd over 20");
  training.options.steps = 30;
  EXPECT_EQ(message(training), "the checkpoint is of dppf over 20 steps, the run of dppf over 30");
  training.options.steps = 20;
  training.model = [] { return small_model(SmallModel::kDropout); };
  EXPECT_EQ(
      message(training),
      "the checkpoint is of another model: it has conv.weight [5, 1, 3, 3] where this one has "
      "fc1.weight [12, 36]");
  training.model = [] { return std::make_unique<Renamed>(small_model(SmallModel::kBatchNorm)); };
  EXPECT_EQ(message(training),
            "the checkpoint is of another model: it has fc.weight [4, 80] where this one has "
            "head.weight [4, 80]");
  training = training_of({"dppf", true, 2}, SmallModel::kBatchNorm);
  EXPECT_EQ(message(training), "the checkpoint's optimizer state is of another optimizer");
  training.options.out = "";
  training.options.resume = true;
  EXPECT_EQ(error_of<UsageError>([&] { train(training); }),
            "a run without a folder cannot be resumed");
}

// Time goes on where it was: else samples a second would be of more samples than time.
TEST(ResumeFrom, SecondsAddUp) {
  const TestFolder folder;
  SmallTraining training =
      in_folder(training_of({"dppf", false, 2}, SmallModel::kBatchNorm), folder / "run");
  const Summary first = train(training).summaries[0];
  training.options.resume = true;
  const Summary second = train(training).summaries[0];
  const auto busy = [](const PhaseSeconds& s) { return s.compute + s.data + s.evaluate; };
  EXPECT_GT(second.seconds.total, busy(second.seconds));
  EXPECT_GE(busy(second.seconds), first.seconds.compute + first.seconds.data);
  EXPECT_GT(second.samples_per_second, 0);
  EXPECT_LE(second.samples_per_second,
            1.001 * 2 * 20 * 4 / (first.seconds.compute + first.seconds.data));
}

TEST(OtherWorkers, StartFromTheAverageOfAll) {
  const TestFolder folder;
  // 72 examples: 6 steps an epoch with 3 workers, 9 with 2; the checkpoint is of epoch 2.
  SmallTraining three = training_of({"dppf", false, 3}, SmallModel::kBatchNorm);
  three.data = small_data(72);
  three.options.steps = 0;
  three.options.epochs = 4;
  three.set("push", 2.0);  // far apart
  three.options.checkpoint_every = 14;
  three = in_folder(three, folder / "run");
  std::atomic<bool> stop = false;
  RecordingProgress progress;
  progress.on_update = [&](const ProgressState& state) { stop = stop || state.step >= 13; };
  three.progress = &progress;
  three.stop = &stop;
  const int64_t stopped = train(three).summaries[0].steps;
  ASSERT_GE(stopped, 14);
  ASSERT_LT(stopped, 18);

  const Checkpoints checkpoints(checkpoints_of(folder / "run"));
  const Manifest manifest = checkpoints.latest().value();
  at::Tensor sum;
  for (int m = 0; m < 3; ++m) {
    for (const auto& [name, tensor] : checkpoints.load(manifest, m).tensors) {
      if (name == "x") sum = m == 0 ? tensor.to(at::kDouble) : sum + tensor;
    }
  }

  // Stops at once, so that its first checkpoint shows where it started.
  SmallTraining two = three;
  two.workers = 2;
  two.options.resume = true;
  two.options.keep_checkpoints = 1;
  RecordingProgress told;
  two.progress = &told;
  stop = false;
  told.on_update = [&](const ProgressState& state) {
    if (stop.exchange(true)) return;
    EXPECT_EQ(state.step, 19);
    const Manifest start = checkpoints.latest().value();
    EXPECT_EQ(start.step, 18);
    EXPECT_EQ(start.total_steps, 36);
    EXPECT_EQ(start.workers, 2);
    for (int m = 0; m < 2; ++m) {
      for (const auto& [name, tensor] : checkpoints.load(start, m).tensors) {
        if (name == "x") {
          EXPECT_TRUE(at::equal(tensor, (sum / 3).to(at::kFloat))) << m;
        }
        EXPECT_FALSE(name.starts_with("optimizer")) << name;
      }
    }
  };
  train(two);
  EXPECT_EQ(told.messages,
            std::vector<std::string>{"the checkpoint has 3 workers, this run 2: starting from "
                                     "their average at epoch 2, with fresh optimizer state"});

  // From then on it is a run of two workers.
  RecordingProgress again;
  two.progress = &again;
  two.stop = nullptr;
  const Summary summary = train(two).summaries[0];
  ASSERT_EQ(again.messages.size(), 1u);
  EXPECT_TRUE(again.messages[0].starts_with("resuming at step ")) << again.messages[0];
  EXPECT_EQ(summary.status, RunState::Kind::kFinished);
  EXPECT_EQ(summary.workers, 2);
  EXPECT_EQ(summary.steps, 36);
}

// With more workers the steps are fewer, and the old checkpoint has the larger number.
TEST(OtherWorkers, MoreOfThemGoOnFromTheirOwnCheckpoint) {
  const TestFolder folder;
  SmallTraining one = training_of({"local-sgd", false, 1}, SmallModel::kPlain);
  one.data = small_data(72);
  one.options.steps = 0;
  one.options.epochs = 2;
  one = in_folder(one, folder / "run");
  one.options.checkpoint_every = 30;
  one.options.keep_checkpoints = 1;
  std::atomic<bool> stop = false;
  RecordingProgress progress;
  progress.on_update = [&](const ProgressState& state) { stop = state.step == 29; };
  one.progress = &progress;
  one.stop = &stop;
  EXPECT_EQ(train(one).summaries[0].steps, 30);

  SmallTraining three = one;
  three.workers = 3;
  three.options.resume = true;
  three.options.checkpoint_every = 5;
  progress.on_update = [&](const ProgressState& state) { stop = state.step >= 7; };
  stop = false;
  const int64_t stopped = train(three).summaries[0].steps;  // of 12, begun at 6
  EXPECT_LT(stopped, 12);
  const Manifest manifest = Checkpoints(checkpoints_of(folder / "run")).latest().value();
  EXPECT_EQ(manifest.step, stopped);
  EXPECT_EQ(manifest.workers, 3);
  three.stop = nullptr;
  const Summary summary = train(three).summaries[0];
  EXPECT_EQ(summary.steps, 12);
  EXPECT_EQ(summary.status, RunState::Kind::kFinished);
}

// In the first epoch, and at the very end.
TEST(OtherWorkers, FromTheFirstEpochAndFromTheEnd) {
  for (const int64_t stop_at : {3, 20}) {
    SCOPED_TRACE(stop_at);
    const TestFolder folder;
    SmallTraining two = training_of({"dppf", false, 2}, SmallModel::kBatchNorm);
    two.data = small_data(48);
    two.options.steps = 0;
    two.options.epochs = 2;
    two.options.checkpoint_every = 3;
    two = in_folder(two, folder / "run");
    std::atomic<bool> stop = false;
    RecordingProgress progress;
    progress.on_update = [&](const ProgressState& state) { stop = state.step >= stop_at - 1; };
    two.progress = &progress;
    two.stop = &stop;
    const bool finished = stop_at == 20;
    EXPECT_EQ(train(two).summaries[0].status,
              finished ? RunState::Kind::kFinished : RunState::Kind::kInterrupted);

    SmallTraining three = two;  // 4 steps an epoch
    three.workers = 3;
    three.options.resume = true;
    three.stop = nullptr;
    progress.messages.clear();
    const Summary summary = train(three).summaries[0];
    ASSERT_EQ(progress.messages.size(), 1u);
    EXPECT_TRUE(progress.messages[0].ends_with(
        fmt::format("at epoch {}, with fresh optimizer state", finished ? 2 : 0)));
    EXPECT_EQ(summary.status, RunState::Kind::kFinished);
    EXPECT_EQ(summary.steps, 8);
    EXPECT_EQ(summary.workers, 3);
    const Manifest manifest = Checkpoints(checkpoints_of(folder / "run")).latest().value();
    EXPECT_EQ(manifest.step, 8);
    EXPECT_EQ(manifest.workers, 3);
  }
}

}  // namespace
}  // namespace valley::resume_test
