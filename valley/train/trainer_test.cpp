#include "valley/train/trainer.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "valley/comm/group.h"
#include "valley/core/error.h"
#include "valley/core/fused_passes.h"
#include "valley/core/testing/test_folder.h"
#include "valley/data/partition.h"
#include "valley/evaluation/class_mix.h"
#include "valley/models/safetensors.h"
#include "valley/models/state_dict.h"
#include "valley/optim/shared_part.h"
#include "valley/record/metrics.h"
#include "valley/record/run_folder.h"
#include "valley/train/checkpoint.h"
#include "valley/train/gradient.h"
#include "valley/train/testing/small_training.h"

namespace valley::trainer_test {
namespace {

namespace fs = std::filesystem;

SmallTraining training_of(const std::string& algorithm, int workers,
                          SmallModel model = SmallModel::kPlain) {
  SmallTraining training{.workers = workers, .options = small_options(algorithm)};
  training.model = [model] { return small_model(model, 3); };
  return training;
}

// Each worker's x at the end, from before they were averaged.
std::vector<at::Tensor> workers_of(SmallTraining training) {
  const TestFolder folder;
  training.options.out = folder.path().string();
  train(training);
  const Checkpoints checkpoints(folder / std::string(RunFolder::kCheckpoints));
  const Manifest manifest = checkpoints.latest().value();
  std::vector<at::Tensor> result;
  for (int m = 0; m < manifest.workers; ++m) {
    for (const auto& [name, tensor] : checkpoints.load(manifest, m).tensors) {
      if (name == "x") result.push_back(tensor);
    }
  }
  return result;
}

void expect_equal(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t m = 0; m < a.size(); ++m) EXPECT_TRUE(at::equal(a[m], b[m])) << m;
}

// --- equalities between algorithms ---------------------------------------------------------------

// With momentum and weight decay, which are linear in the gradients as well.
TEST(Trainer, LocalSgdOfPeriodOneIsSsgd) {
  for (const int workers : {2, 3}) {
    SmallTraining ssgd = training_of("ssgd", workers), local = training_of("local-sgd", workers);
    local.set("period", "1");
    for (auto* training : {&ssgd, &local}) {
      training->options.optimizer = {.momentum = 0.9, .nesterov = true, .weight_decay = 1e-2};
    }
    const at::Tensor expected = train(ssgd).x[0], actual = train(local).x[0];
    EXPECT_TRUE(at::allclose(actual, expected, 1e-12, 1e-12))
        << (actual - expected).abs().max().item<double>();
    EXPECT_FALSE(at::allclose(actual, train(training_of("local-sgd", workers)).x[0], 1e-6, 1e-6));
  }
}

TEST(Trainer, DppfWithoutPushAtFullPullIsLocalSgd) {
  for (const int workers : {2, 3}) {
    SmallTraining dppf = training_of("dppf", workers);
    dppf.set("pull", 1.0);
    dppf.set("push", 0.0);
    expect_equal(workers_of(dppf), workers_of(training_of("local-sgd", workers)));
  }
}

TEST(Trainer, OneWorkerIsThePlainOptimizerWithEveryAlgorithm) {
  for (const SmallModel model :
       {SmallModel::kPlain, SmallModel::kBatchNorm, SmallModel::kDropout}) {
    const auto expected = workers_of(training_of("ssgd", 1, model));
    for (const AlgorithmEntry& entry : algorithms()) {
      if (entry.owns_update) continue;
      SCOPED_TRACE(entry.name);
      SmallTraining training = training_of(entry.name, 1, model);
      if (entry.plain_alone) entry.plain_alone(training.options.algorithm_options);
      training.options.optimizer.momentum = 0.9;
      expect_equal(workers_of(training), expected);
    }
  }
}

// Momentum 0 and no decay: x <- x - lr g, written out.
TEST(Trainer, OneWorkerFollowsTheGradient) {
  SmallTraining training = training_of("ssgd", 1);
  training.options.optimizer = {.momentum = 0};
  training.options.steps = 5;
  const at::Tensor actual = train(training).x[0];

  const DataSplits data = small_data(kSmallExamples);
  const auto model = training.model();
  const FlatParameters parameters(model->parameters(), model->buffers());
  Sampler sampler({.examples = kSmallExamples, .batch_size = 4, .seed = 11});
  Loader loader(data.train, *data.train, {}, 11, 0);
  LrScheduleOptions rate = training.options.learning_rate;
  rate.total_steps = 5;
  const LrSchedule schedule(rate);
  Gradient gradient(*model, parameters);
  for (int64_t k = 0; k < 5; ++k) {
    gradient.compute(loader.gather(sampler.batch(k), k), {});
    at::Tensor(parameters.values()).sub_(parameters.gradients(), schedule.at(k));
  }
  EXPECT_TRUE(at::allclose(actual, parameters.values(), 1e-12, 1e-14));
}

// --- seeds ---------------------------------------------------------------------------------------

TEST(Trainer, SameSeedSameBits) {
  for (const SmallModel model : {SmallModel::kBatchNorm, SmallModel::kDropout}) {
    for (const int workers : {1, 2, 3}) {
      const SmallTraining training = training_of("dppf", workers, model);
      const auto first = workers_of(training);
      expect_equal(workers_of(training), first);
      SmallTraining other = training;
      other.options.seed = 12;
      EXPECT_FALSE(at::equal(workers_of(other)[0], first[0]));
    }
  }
}

TEST(Trainer, SameSeedSameModelFile) {
  const TestFolder folder;
  SmallTraining training = training_of("dppf", 2, SmallModel::kBatchNorm);
  for (const std::string name : {"a", "b"}) {
    fs::create_directories(folder / name);
    training.options.out = (folder / name).string();
    train(training);
  }
  const std::string model(RunFolder::kModel);
  EXPECT_EQ(slurp(folder / "a" / model), slurp(folder / "b" / model));
  EXPECT_EQ(metrics_without_seconds(folder / "a"), metrics_without_seconds(folder / "b"));
}

// --- what comes out ------------------------------------------------------------------------------

TEST(Trainer, LearnsWithEveryAlgorithm) {
  for (const AlgorithmEntry& entry : algorithms()) {
    SmallTraining training = training_of(entry.name, 2);
    training.options.steps = 120;
    training.options.learning_rate.base = entry.owns_update ? 0.02 : 0.1;
    training.set("push", 0.05);
    const Summary summary = train(training).summaries[0];
    EXPECT_GT(summary.test["accuracy"], 0.9) << entry.name;
    EXPECT_LT(summary.train.loss(), 0.4) << entry.name;
  }
}

// As on a device: LibTorch's operators, and losses that are read when somebody asks.
TEST(Trainer, OperatorsComeToTheSame) {
  for (const std::string algorithm : {"dppf", "lsgd", "ssgd", "dpsgd"}) {
    const TestFolder folder;
    std::vector<Summary> summaries;
    std::vector<at::Tensor> ends;
    for (const std::string out : {"fused", "operators"}) {
      std::optional<OperatorsOnly> only;
      if (out == "operators") only.emplace();
      SmallTraining training = training_of(algorithm, 2);
      fs::create_directories(folder / out);
      training.options.out = (folder / out).string();
      RecordingProgress progress;
      training.progress = &progress;
      const Outcome outcome = train(training);
      summaries.push_back(outcome.summaries[0]);
      ends.push_back(outcome.x[0]);
      EXPECT_GT(progress.last.loss.value(), 0) << algorithm;
    }
    EXPECT_TRUE(at::allclose(ends[1], ends[0], 1e-10, 1e-10)) << algorithm;
    EXPECT_NEAR(summaries[1].train.loss(), summaries[0].train.loss(), 1e-9) << algorithm;
    EXPECT_EQ(summaries[1].first_loss, summaries[0].first_loss) << algorithm;
    const auto losses = [&](const std::string& out) {
      std::vector<double> found;
      for (const Json& line : read_metrics(folder / out / RunFolder::kMetrics)) {
        if (line.contains("loss")) found.push_back(line.at("loss"));
      }
      return found;
    };
    const auto there = losses("fused"), here = losses("operators");
    ASSERT_EQ(there.size(), here.size()) << algorithm;
    EXPECT_GE(there.size(), 3u);
    for (size_t i = 0; i < there.size(); ++i) EXPECT_NEAR(here[i], there[i], 1e-9) << algorithm;
  }
}

TEST(Trainer, InBf16ItComesNearFloat32) {
  for (const std::string algorithm : {"dppf", "ssgd"}) {
    SmallTraining training = training_of(algorithm, 2, SmallModel::kBatchNorm);
    training.options.steps = 60;
    const Outcome exact = train(training);
    training.options.precision = Precision::kBf16;
    const Outcome rounded = train(training);
    const Summary& summary = rounded.summaries[0];
    EXPECT_EQ(rounded.x[0].scalar_type(), at::kFloat);
    EXPECT_FALSE(at::equal(rounded.x[0], exact.x[0])) << algorithm;
    EXPECT_LT(summary.train.loss(), 0.7 * summary.first_loss) << algorithm;
    EXPECT_NEAR(summary.train.loss(), exact.summaries[0].train.loss(), 0.1) << algorithm;
  }
}

// The sum of the two is what makes them diverge; the optimizer that the method brings is fine.
TEST(Trainer, TwoMomentaThatDivergeAreRefused) {
  SmallTraining training = training_of("qg-dsgdm", 2);
  EXPECT_EQ(training.options.optimizer.momentum, 0);
  EXPECT_NO_THROW(check(training.options));
  training.options.optimizer.momentum = 0.9;
  EXPECT_EQ(error_of<UsageError>([&] { check(training.options); }),
            "momentum 0.9 beside the momentum 0.9 of qg-dsgdm itself diverges: their sum must be "
            "below 1 (momentum 0 is the method as its authors have it)");
  training.options.optimizer.kind = OptimizerKind::kAdamW;  // has none
  EXPECT_NO_THROW(check(training.options));
}

TEST(Trainer, SaysHowItEndedAgainstItsStart) {
  SmallTraining training = training_of("local-sgd", 2);
  const Summary good = train(training).summaries[0];
  EXPECT_EQ(good.verdict, Verdict::kLearned);
  EXPECT_NEAR(good.first_loss, std::log(4), 0.7);  // four classes, weights that know nothing
  EXPECT_EQ(good.caution(), "");
  EXPECT_NEAR(good.chance.value(), 0.25, 0.15);  // 40 examples

  training.options.learning_rate.base = 30;
  const Summary bad = train(training).summaries[0];
  EXPECT_EQ(bad.first_loss, good.first_loss);  // the same weights and batches
  EXPECT_GT(bad.train.loss(), bad.first_loss);
  EXPECT_EQ(bad.verdict, Verdict::kWorse);
  EXPECT_EQ(bad.status, RunState::Kind::kFinished);

  // One class is all that can be learned from these.
  training = training_of("local-sgd", 2);
  training.data = small_data(kSmallExamples * 2);
  for (auto* split : {&training.data.train, &training.data.test}) {
    auto one = std::make_shared<Dataset>(**split);
    one->targets = at::zeros_like(one->targets);
    *split = one;
  }
  const Summary chance = train(training).summaries[0];
  EXPECT_EQ(chance.chance, 1);
  EXPECT_EQ(chance.verdict, Verdict::kChance);
}

// A checkpoint keeps the loss of the start, those of earlier versions know none.
TEST(Trainer, TheStartIsKnownAfterAResume) {
  const TestFolder folder;
  SmallTraining training = training_of("dppf", 2);
  training.options.out = folder.path().string();
  const Summary whole = train(training).summaries[0];
  training.options.resume = true;
  EXPECT_EQ(train(training).summaries[0].first_loss, whole.first_loss);
  SmallTraining three = training;
  three.workers = 3;
  three.data = small_data(kSmallExamples * 2);
  EXPECT_NEAR(train(three).summaries[0].first_loss, whole.first_loss, 1e-12);
}

TEST(Trainer, WorkersStartFromWorkerZero) {
  std::atomic<int> next = 0;
  SmallTraining training = training_of("local-sgd", 3);
  training.set("period", "1");
  training.model = [&] { return small_model(SmallModel::kPlain, next++); };  // all differ
  const auto x = workers_of(training);
  EXPECT_TRUE(at::equal(x[0], x[1]));
  EXPECT_TRUE(at::equal(x[0], x[2]));
}

// The model and the file are the average of the workers in the last checkpoint.
TEST(Trainer, TheModelIsTheAverage) {
  const TestFolder folder;
  SmallTraining training = training_of("dppf", 3);
  const auto workers = workers_of(training);
  training.options.out = folder.path().string();
  const Outcome outcome = train(training);
  const at::Tensor mean = (workers[0] + workers[1] + workers[2]) / 3;
  double width = 0;
  for (int m = 0; m < 3; ++m) {
    EXPECT_TRUE(at::allclose(outcome.x[m], mean, 1e-14, 1e-14));
    EXPECT_TRUE(at::equal(outcome.x[m], outcome.x[0]));
    width += (workers[m] - mean).norm().item<double>() / 3;
  }
  EXPECT_NEAR(outcome.summaries[0].valley_width, width, 1e-12);
  EXPECT_GT(width, 0.1);

  int64_t offset = 0;
  for (const auto& [name, tensor] :
       load_safetensors((folder / std::string(RunFolder::kModel)).string()).tensors) {
    EXPECT_TRUE(at::equal(tensor.flatten(), outcome.x[0].narrow(0, offset, tensor.numel())));
    offset += tensor.numel();
  }
  EXPECT_EQ(offset, outcome.x[0].numel());
}

TEST(Trainer, CountsWhatTravels) {
  const int64_t d = (36 * 9 + 9 + 9 * 4 + 4) * 8;  // bytes of kPlain
  struct Expected {
    std::string algorithm;
    int64_t steps, period, rounds;
  };
  // 22 steps in periods of 4 leave 2: one more average at the end.
  for (const auto& [algorithm, steps, period, rounds] :
       {Expected{"local-sgd", 20, 4, 5}, Expected{"local-sgd", 22, 4, 6},
        Expected{"dppf", 20, 4, 5}, Expected{"dppf", 22, 4, 6}, Expected{"ssgd", 20, 4, 20},
        Expected{"local-sgd", 20, 1, 20}, Expected{"local-sgd", 3, 4, 1},
        Expected{"ad-psgd", 20, 4, 21}}) {  // twice as much for one, nothing for the other
    SCOPED_TRACE(fmt::format("{} {} {}", algorithm, steps, period));
    SmallTraining training = training_of(algorithm, 2);
    training.options.steps = steps;
    training.set("period", std::to_string(period));
    for (const Summary& summary : train(training).summaries) {
      EXPECT_EQ(summary.rounds, rounds);
      EXPECT_EQ(summary.comm_bytes_per_worker, rounds * d);
      EXPECT_DOUBLE_EQ(summary.comm_fraction_of_ssgd, double(rounds) / double(steps));
    }
  }
  SmallTraining exact = training_of("dppf", 2);
  exact.set("push-variant", "exact");
  EXPECT_EQ(train(exact).summaries[0].comm_bytes_per_worker, 2 * 5 * d);
  const Summary alone = train(training_of("local-sgd", 1)).summaries[0];
  EXPECT_EQ(alone.comm_bytes_per_worker, 0);
  EXPECT_EQ(alone.comm_fraction_of_ssgd, 0);
}

TEST(Trainer, TheSummaryDescribesTheRun) {
  SmallTraining training = training_of("dppf", 2);
  training.options.model_name = "plain";
  training.options.data_name = "images";
  training.set("pull", 0.2);
  training.set("push", 0.1);
  for (const Summary& s : train(training).summaries) {
    EXPECT_EQ(s.status, RunState::Kind::kFinished);
    EXPECT_EQ(s.algorithm, "dppf");
    EXPECT_EQ(s.model, "plain");
    EXPECT_EQ(s.data, "images");
    EXPECT_EQ(s.workers, 2);
    EXPECT_EQ(s.backend, "thread");
    EXPECT_EQ(s.seed, 11u);
    EXPECT_EQ(s.parameters, 373);
    EXPECT_EQ(s.steps, 20);
    EXPECT_DOUBLE_EQ(s.epochs, 20.0 / 6);
    EXPECT_DOUBLE_EQ(s.predicted_width, 0.5);
    EXPECT_DOUBLE_EQ(s.generalization_gap, s.train["accuracy"] - s.test["accuracy"]);
    EXPECT_GT(s.seconds.compute, 0);
    EXPECT_GE(s.seconds.communicate, 0);
    EXPECT_GT(s.seconds.data, 0);
    EXPECT_GT(s.seconds.evaluate, 0);
    EXPECT_GE(s.seconds.total, s.seconds.compute + s.seconds.communicate + s.seconds.wait +
                                   s.seconds.data + s.seconds.evaluate);
    EXPECT_NEAR(s.samples_per_second, 2 * 20 * 4 / (s.seconds.total - s.seconds.evaluate),
                1e-6 * s.samples_per_second);
    EXPECT_GT(s.peak_rss_bytes, 10 << 20);
  }
}

TEST(Trainer, ProgressSeesEveryStep) {
  RecordingProgress progress;
  std::vector<int64_t> steps, ends;
  progress.on_update = [&](const ProgressState& state) {
    steps.push_back(state.step);
    if (state.epoch_end) ends.push_back(state.step);
  };
  SmallTraining training = training_of("dppf", 2);
  training.progress = &progress;
  const Summary summary = train(training).summaries[0];
  std::vector<int64_t> expected(20);
  for (int64_t k = 0; k < 20; ++k) expected[k] = k + 1;
  expected.push_back(20);  // with the scores of the average
  EXPECT_EQ(steps, expected);
  EXPECT_EQ(ends, (std::vector<int64_t>{6, 12, 18, 20}));
  EXPECT_EQ(progress.last.total_steps, 20);
  EXPECT_EQ(progress.last.score, summary.test["accuracy"]);
  EXPECT_EQ(progress.last.score_of->name, "accuracy");
  EXPECT_DOUBLE_EQ(progress.last.epoch.value(), 20.0 / 6);
  EXPECT_EQ(progress.last.predicted_width, summary.predicted_width);
}

// A display may block or end badly: by then the work is safe.
TEST(Trainer, WhatIsShownHasBeenSaved) {
  const TestFolder folder;
  SmallTraining training = training_of("dppf", 2);
  training.options.out = folder.path().string();
  training.options.checkpoint_every = 1;
  const Checkpoints checkpoints(folder / std::string(RunFolder::kCheckpoints));
  RecordingProgress progress;
  int updates = 0;
  progress.on_update = [&](const ProgressState& state) {
    EXPECT_EQ(checkpoints.latest().value_or(Manifest{}).step, state.step);
    if (++updates > 20) {
      EXPECT_TRUE(fs::exists(folder / std::string(RunFolder::kSummary)));
    }
  };
  training.progress = &progress;
  train(training);
  EXPECT_EQ(updates, 21);
}

TEST(Trainer, WithoutAFolderNothingIsWritten) {
  const TestFolder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  SmallTraining training = training_of("dppf", 2);
  training.options.checkpoint_every = 3;
  train(training);
  fs::current_path(before);
  EXPECT_EQ(folder.list(), "");
}

// A run with --until-loss is the beginning of the run without: it ends at the first evaluation that
// is low enough, and leaves what a run of so many steps leaves.
TEST(Trainer, UntilLossEndsAtTheFirstEvaluationThatIsLowEnough) {
  for (const AlgorithmEntry& entry : algorithms()) {
    SmallTraining until = training_of(entry.name, 2);
    until.options.steps = 600;
    until.options.evaluate_every = 2;
    until.options.learning_rate.base = entry.owns_update ? 0.02 : 0.1;
    until.options.learning_rate.shape = LrShape::kConstant;
    until.set("push", 0.05);
    until.options.until_loss = 0.6;
    const TestFolder folder;
    until.options.out = (folder / "until").string();
    fs::create_directories(until.options.out);
    const Outcome ended = train(until);
    const Summary& summary = ended.summaries[0];
    EXPECT_EQ(summary.status, RunState::Kind::kFinished) << entry.name;
    EXPECT_LE(summary.train.loss(), 0.6) << entry.name;
    ASSERT_LT(summary.steps, 600) << entry.name;
    EXPECT_EQ(summary.steps % 12, 0)
        << entry.name;  // evaluations are two epochs of six steps apart
    EXPECT_EQ(Checkpoints(folder / "until" / "checkpoints").latest()->step, summary.steps);

    // Another end of the schedule changes nothing, for the learning rate is constant.
    SmallTraining steps = until;
    steps.options.until_loss = 0;
    steps.options.out = "";
    steps.options.steps = summary.steps;
    if (!entry.asynchronous) {
      EXPECT_TRUE(at::equal(train(steps).x[0], ended.x[0])) << entry.name;
    }
  }
}

TEST(Trainer, UntilLossOutOfReachTrainsToTheEnd) {
  SmallTraining training = training_of("dppf", 2);
  training.options.until_loss = 1e-9;
  EXPECT_EQ(train(training).summaries[0].steps, training.options.steps);
}

TEST(Trainer, OptionsOutOfRangeNameThemselves) {
  const auto message = [](const std::function<void(TrainOptions&)>& change) {
    SmallTraining training = training_of("dppf", 1);
    change(training.options);
    return error_of<UsageError>([&] { train(training); });
  };
  EXPECT_EQ(message([](TrainOptions& o) { o.epochs = o.steps = 0; }),
            "epochs must be at least 1, got 0");
  EXPECT_EQ(message([](TrainOptions& o) { o.steps = -1; }), "steps must be at least 0, got -1");
  EXPECT_EQ(message([](TrainOptions& o) { o.evaluate_every = -1; }),
            "evaluate-every must be at least 0, got -1");
  EXPECT_EQ(message([](TrainOptions& o) { o.until_loss = -1; }),
            "until-loss must be at least 0, got -1");
  EXPECT_EQ(message([](TrainOptions& o) { o.until_loss = 1, o.evaluate_every = 0; }),
            "until-loss looks at evaluations: evaluate-every must be at least 1");
  EXPECT_EQ(message([](TrainOptions& o) { o.checkpoint_every = -2; }),
            "checkpoint-every must be at least 0, got -2");
  EXPECT_EQ(message([](TrainOptions& o) { o.keep_checkpoints = 0; }),
            "keep-checkpoints must be at least 1, got 0");
  EXPECT_EQ(message([](TrainOptions& o) { o.batch_size = 0; }),
            "batch-size must be at least 1, got 0");
  EXPECT_EQ(message([](TrainOptions& o) { o.algorithm = "dpff"; }).substr(0, 60),
            "unknown algorithm 'dpff'; did you mean 'dppf'? known: ssgd, ");
  SmallTraining crowd = training_of("dppf", 3);
  crowd.data = small_data(2);
  EXPECT_EQ(error_of<UsageError>([&] { train(crowd); }),
            "more workers (3) than training samples (2)");
}

// --- averages over rounds, frozen parameters
// ------------------------------------------------------

// Every worker's x after every round of a training, from checkpoints of every step.
std::vector<at::Tensor> averages_of_rounds(const fs::path& run, int workers, int64_t period) {
  const Checkpoints checkpoints(run / std::string(RunFolder::kCheckpoints));
  std::vector<at::Tensor> averages;
  for (int64_t step = period; step <= 20; step += period) {
    const Manifest manifest{.step = step, .workers = workers, .algorithm = {}, .model = {}};
    at::Tensor sum;
    for (int m = 0; m < workers; ++m) {
      const at::Tensor x = checkpoints.load(manifest, m).view();
      sum = sum.defined() ? sum + x : x;
    }
    averages.push_back(sum / workers);
  }
  return averages;
}

TEST(Trainer, LeavesTheAverageOverRoundsOfTheWorkersAverage) {
  for (const int workers : {1, 2, 3}) {
    for (const AverageSpec& spec : {AverageSpec{.kind = AverageKind::kEma, .beta = 0.6},
                                    AverageSpec{.kind = AverageKind::kLast, .count = 3}}) {
      const TestFolder folder;
      SmallTraining training = training_of("dppf", workers);
      training.options.checkpoint_every = 1;
      training.options.keep_checkpoints = 100;
      training.options.out = folder.path().string();
      training.options.average = spec;
      const Outcome outcome = train(training);
      const std::vector<at::Tensor> xs = averages_of_rounds(folder.path(), workers, 4);
      at::Tensor expected = xs[0].clone();
      if (spec.kind == AverageKind::kEma) {
        for (size_t r = 1; r < xs.size(); ++r) expected = 0.6 * expected + 0.4 * xs[r];
      } else {
        expected = (xs[2] + xs[3] + xs[4]) / 3;
      }
      for (const at::Tensor& x : outcome.x)
        EXPECT_LT((x - expected).abs().max().item<double>(), 1e-13) << to_string(spec);

      SmallTraining plain = training_of("dppf", workers);
      const Outcome without = train(plain);
      EXPECT_GT((without.x[0] - expected).abs().max().item<double>(), 1e-6);
      // The workers' course is the same; how far they are apart, too. One average more is sent.
      EXPECT_EQ(outcome.summaries[0].valley_width, without.summaries[0].valley_width);
      const int64_t more = workers == 1 ? 0 : expected.numel() * 8;
      EXPECT_EQ(outcome.summaries[0].comm_bytes_per_worker,
                without.summaries[0].comm_bytes_per_worker + more);
    }
  }
}

TEST(Trainer, BeforeTheFirstRoundTheAverageIsPlain) {
  SmallTraining training = training_of("dppf", 2), plain = training_of("dppf", 2);
  for (auto* each : {&training, &plain}) each->options.steps = 3;
  training.options.average = {.kind = AverageKind::kEma, .beta = 0.6};
  expect_equal(train(training).x, train(plain).x);
}

// Its BatchNorm statistics are of training data: other test data change no bit of it.
TEST(Trainer, AnAverageOverRoundsKnowsNothingOfTheTestSet) {
  std::string left[2];
  for (const int other : {0, 1}) {
    const TestFolder folder;
    SmallTraining training = training_of("local-sgd", 2, SmallModel::kBatchNorm);
    training.options.average = {.kind = AverageKind::kLast, .count = 3};
    training.options.out = folder.path().string();
    training.data = small_data(kSmallExamples * 2);
    if (other == 1) training.data.test = small_data(72).train;
    train(training);
    left[other] = slurp(folder / std::string(RunFolder::kModel));
  }
  EXPECT_EQ(left[0], left[1]);
}

TEST(Trainer, FrozenParametersNeitherMoveNorTravel) {
  SmallTraining whole = training_of("dppf", 3), half = training_of("dppf", 3);
  half.model = [] {
    auto model = small_model(SmallModel::kPlain, 3);
    freeze(*model, "fc1.*");
    return model;
  };
  const TestFolder folder;
  half.options.out = folder.path().string();
  const Outcome of_whole = train(whole), of_half = train(half);
  EXPECT_EQ(of_whole.summaries[0].parameters, 36 * 9 + 9 + 9 * 4 + 4);
  EXPECT_EQ(of_half.summaries[0].parameters, 9 * 4 + 4);
  EXPECT_EQ(of_half.summaries[0].comm_bytes_per_worker * of_whole.summaries[0].parameters,
            of_whole.summaries[0].comm_bytes_per_worker * of_half.summaries[0].parameters);
  const auto fresh = small_model(SmallModel::kPlain, 3);
  const TensorFile file = load_safetensors((folder / std::string(RunFolder::kModel)).string());
  ASSERT_EQ(file.tensors.size(), 4U);
  for (const NamedTensor& began : fresh->parameters()) {
    for (const NamedTensor& ended : file.tensors) {
      if (began.name != ended.name) continue;
      EXPECT_EQ(at::equal(began.tensor, ended.tensor), began.name.starts_with("fc1."))
          << began.name;
    }
  }
}

// A frozen layer's BatchNorm follows what passes through it.
TEST(Trainer, RunningStatisticsOfFrozenLayersAreReestimated) {
  const TestFolder folder;
  SmallTraining training = training_of("dppf", 2, SmallModel::kBatchNorm);
  training.model = [] {
    auto model = small_model(SmallModel::kBatchNorm, 3);
    freeze(*model, "conv.*,bn.*");
    return model;
  };
  training.options.out = folder.path().string();
  train(training);
  for (const NamedTensor& named :
       load_safetensors((folder / std::string(RunFolder::kModel)).string()).tensors) {
    EXPECT_TRUE(named.name != "bn.running_mean" || named.tensor.abs().max().item<float>() > 0);
  }
}

// Steps of a batch in pieces are those of the batch in one, up to rounding, whatever the method.
TEST(Trainer, InPiecesItIsTheSameTraining) {
  for (const char* algorithm : {"dppf", "ssgd", "mgrawa"}) {
    SmallTraining whole = training_of(algorithm, 2), pieces = training_of(algorithm, 2);
    pieces.options.accumulate = 3;
    const at::Tensor expected = train(whole).x[0], actual = train(pieces).x[0];
    EXPECT_TRUE(at::allclose(actual, expected, 1e-11, 1e-13)) << algorithm;
  }
}

TEST(Trainer, BlendedAndErasedTrainingsDrawByWorkerAndLearn) {
  SmallTraining training = training_of("dppf", 2);
  const double plain = train(training).summaries[0].test["accuracy"];
  training.options.steps = 60;
  training.options.augmentation = {.erase = 0.3, .mixup = 0.2, .cutmix = 0.5};
  const Outcome once = train(training), again = train(training);
  expect_equal(once.x, again.x);
  EXPECT_GT(once.summaries[0].test["accuracy"], 0.5);
  EXPECT_GT(plain, 0.5);
}

// Where it is attacked it is worse, and less so where it was trained for that.
TEST(Trainer, TrainingOnHardExamplesHelpsAgainstThem) {
  SmallTraining training = training_of("ssgd", 2);
  training.options.steps = 60;
  const DataSplits data = small_data(2 * kSmallExamples);
  const auto robust_loss = [&] {
    const at::Tensor x = train(training).x[0];
    const auto model = small_model(SmallModel::kPlain);
    const FlatParameters parameters(model->parameters(), model->buffers());
    parameters.values().copy_(x);
    const EvaluationOptions attacked{.attack = parse_attack("fgsm:0.05")};
    const auto comm = make_solo();
    const double robust = evaluate(*model, data.test, *data.train, *comm, attacked).loss();
    EXPECT_GT(robust, evaluate(*model, data.test, *data.train, *comm).loss());
    return robust;
  };
  const double plain = robust_loss();
  training.options.adversarial = {.attack = parse_attack("pgd:0.05:3"), .clean = 0.5};
  expect_equal(train(training).x, train(training).x);
  EXPECT_LT(robust_loss(), plain);
}

// Nine values of 36 inputs each, and nine biases, are shared; four outputs are each one's own.
TEST(Trainer, PersonalParametersStayAndEveryWorkerIsScoredByItself) {
  SmallTraining training = training_of("ssgd", 2);
  training.options.partition = parse_partition("shards:2");
  training.options.personal = "fc2.*";
  training.options.steps = 40;
  const DataSplits data = small_data(2 * kSmallExamples);
  const std::vector<at::Tensor> x = workers_of(training);
  const auto model = small_model(SmallModel::kPlain);
  const FlatParameters parameters(model->parameters(), model->buffers());
  const SharedPart shared(parameters, training.options.personal);
  std::vector<at::Tensor> bodies(2);
  for (size_t m = 0; m < 2; ++m) shared.take(x[m], bodies[m]);
  EXPECT_TRUE(at::equal(bodies[0], bodies[1]));
  EXPECT_FALSE(at::equal(x[0], x[1]));

  const Outcome outcome = train(training);
  const Summary& summary = outcome.summaries[0];
  ASSERT_EQ(summary.test_by_worker.size(), 2);
  EXPECT_EQ(summary.comm_bytes_per_worker, 40 * shared.size_of(x[0]) * 8);
  double mean = 0;
  const auto comm = make_solo();
  const Partition parts =
      make_partition(data.train->targets, data.train->classes, 2, training.options.partition);
  double chance = 0;
  for (size_t m = 0; m < 2; ++m) {
    parameters.values().copy_(x[m]);
    std::vector<double> counts(4);
    for (const int64_t i : parts[m]) ++counts[size_t(data.train->targets[i].item<int64_t>())];
    chance += *std::max_element(counts.begin(), counts.end()) / double(parts[m].size()) / 2;
    const at::Tensor own = data.train->targets.index_select(0, at::tensor(parts[m], at::kLong));
    const Scores scores =
        evaluate_mix(*model, data.test, *data.train, class_mix(own, data.train->classes));
    EXPECT_NEAR(summary.test_by_worker[m].loss(), scores.loss(), 1e-12);
    EXPECT_EQ(summary.test_by_worker[m]["accuracy"], scores["accuracy"]);
    mean += scores.loss() / 2;
    EXPECT_TRUE(at::equal(outcome.x[m], x[m]));  // the average's body, its own head
  }
  EXPECT_NEAR(summary.test.loss(), mean, 1e-12);
  EXPECT_NEAR(summary.chance.value(), chance, 1e-12);
}

TEST(Trainer, PersonalParametersNeedSomethingToBeScoredBy) {
  TrainOptions options = small_options("ssgd");
  options.personal = "fc2.*";
  options.partition = parse_partition("shards:1");
  DataSplits data = small_data(4 * kSmallExamples);
  EXPECT_NO_THROW(check(options, data, 4));
  auto test = std::make_shared<Dataset>(*data.test);
  test->targets = at::zeros_like(test->targets);
  data.test = test;
  EXPECT_TRUE(error_of<UsageError>([&] {
                check(options, data, 4);
              }).ends_with(" trains on, and personal is scored by these"));
}

}  // namespace
}  // namespace valley::trainer_test
