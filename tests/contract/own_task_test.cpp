// A task that no table knows, whose headline has another name and is the better the less it is,
// from the rehearsal to the report: nothing outside of it may take a run for a classification.

#include <ATen/TensorOperators.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/stack.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/linear.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "app/engine/tables.h"
#include "valley/analysis/objective.h"
#include "valley/comm/group.h"
#include "valley/core/atomic_file.h"
#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/models/wrap.h"
#include "valley/picture/run_curves.h"
#include "valley/record/metrics.h"
#include "valley/report/page.h"
#include "valley/report/report_run.h"
#include "valley/runs/outcome.h"
#include "valley/study/study.h"
#include "valley/train/rehearsal.h"
#include "valley/train/run_config.h"
#include "valley/train/trainer.h"

namespace valley::own_task_test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

// A number for every example: output and targets are [B, 1] float32. Trained is half the square.
class Squares : public Task {
 public:
  const ScoreSheet& sheet() const override {
    static const ScoreSheet sheet = {.task = "squares",
                                     .scores = {{.name = "loss"}, {.name = "mse"}},
                                     .headline = 1,
                                     .chance = "the mean target alone"};
    return sheet;
  }
  std::string_view output() const override { return "numbers"; }
  void check(const at::Tensor& output, const OutputDemand& demand) const override {
    require(output.dim() == 2 && output.size(0) == demand.examples && output.size(1) == 1,
            "{} must return numbers [batch, 1]", demand.model);
  }
  at::Tensor loss(const at::Tensor& output, const at::Tensor& target) const override {
    return at::mse_loss(output, target) / 2;
  }
  void add_scores(const at::Tensor& output, const at::Tensor& target,
                  std::span<double> sums) const override {
    const double squares = (output - target).square().sum().item<double>();
    sums[0] += squares / 2;
    sums[1] += squares;
  }
  std::optional<double> chance(const at::Tensor& targets) const override {
    return (targets - targets.mean()).square().mean().item<double>();
  }
};
const Squares kSquares;

// y = 3 a - 2 b of examples [2, 1, 1].
std::shared_ptr<const Dataset> plane(int64_t examples, double shift) {
  auto data = std::make_shared<Dataset>();
  const at::Tensor a = at::linspace(-1, 1, examples), b = (5 * a + shift).sin();
  data->inputs = at::stack({a, b}, 1).view({examples, 2, 1, 1});
  data->targets = (3 * a - 2 * b).view({examples, 1});
  data->classes = 1;
  data->mean = {0, 0};
  data->stddev = {1, 1};
  return data;
}

struct Line : torch::nn::Module {
  explicit Line(int64_t outputs = 1) {
    fc = register_module("fc", torch::nn::Linear(2, outputs));
    const c10::NoGradGuard no_grad;
    for (auto& parameter : parameters()) parameter.zero_();
  }
  at::Tensor forward(const at::Tensor& x) { return fc(x.flatten(1)); }
  torch::nn::Linear fc{nullptr};
};

struct Trained {
  std::string folder;
  Summary summary = {};
};

const DataSplits& splits() {
  static const DataSplits data = {plane(64, 0), plane(40, 1)};
  return data;
}

TrainOptions options_of(const std::string& out, double rate) {
  TrainOptions options;
  options.algorithm = "local-sgd";
  options.own_task = &kSquares;
  options.epochs = 20;
  options.seed = 3;  // its first batches lose more than the mean: who stands still is not worse
  options.batch_size = 8;
  options.learning_rate.base = rate;
  options.out = out;
  options.data_name = "plane";
  options.model_name = "line";
  return options;
}

// As the program would, but for its own data, model and task.
Trained train(const fs::path& folder, double rate) {
  const TrainOptions options = options_of(folder.string(), rate);
  RunFolder::create(folder);
  RunConfig config;
  static_cast<TrainSettings&>(config) = options;
  config.model = "line";
  config.data = "plane";
  config.workers = 2;
  write_atomically(folder / RunFolder::kConfig, config_text(to_recorded_config(config)));
  Trained run{.folder = folder.string()};
  run_threads(2, [&](Communicator& comm) {
    const auto model = wrap(std::make_shared<Line>());
    Trainer trainer(comm, *model, splits(), options);
    const Summary summary = trainer.run();
    if (comm.rank() == 0) run.summary = summary;
  });
  return run;
}

class OwnTask : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TestFolder;
    good_ = new Trained(train(*folder_ / "good", 0.1));
    stuck_ = new Trained(train(*folder_ / "stuck", 1e-7));
  }
  static void TearDownTestSuite() {
    delete good_;
    delete stuck_;
    delete folder_;
  }

  inline static TestFolder* folder_ = nullptr;
  inline static Trained *good_ = nullptr, *stuck_ = nullptr;
};

TEST_F(OwnTask, IsRehearsedInItsOwnWords) {
  const auto two = wrap(std::make_shared<Line>(2));
  EXPECT_EQ(error_of<UsageError>([&] { rehearse(*two, splits(), options_of("", 0.1), 2); }),
            "line must return numbers [batch, 1]");
  const auto one = wrap(std::make_shared<Line>());
  EXPECT_NO_THROW(rehearse(*one, splits(), options_of("", 0.1), 2));
}

TEST_F(OwnTask, IsTrainedEvaluatedAndJudged) {
  const Summary &good = good_->summary, &stuck = stuck_->summary;
  EXPECT_LT(good.headline(), 0.1 * stuck.headline());
  EXPECT_NEAR(good.test["mse"], 2 * good.test.loss(), 1e-12);
  EXPECT_EQ(good.generalization_gap, good.test["mse"] - good.train["mse"]);
  EXPECT_EQ(good.verdict, Verdict::kLearned);
  EXPECT_EQ(good.chance, kSquares.chance(splits().test->targets));
  EXPECT_EQ(stuck.verdict, Verdict::kChance);  // it answers 0, the best constant is the mean
  EXPECT_THAT(stuck.caution(), HasSubstr("no better than chance: test mse "));
  EXPECT_THAT(stuck.caution(), HasSubstr(", the mean target alone "));
}

TEST_F(OwnTask, IsRecordedAndReadBack) {
  const Summary read = load_summary(RunFolder::open(good_->folder));
  EXPECT_EQ(read.to_json(), good_->summary.to_json());
  EXPECT_EQ(read.sheet.main().name, "mse");
  EXPECT_FALSE(read.to_json().contains("test_accuracy"));
  EXPECT_FALSE(read.to_json().contains("chance_accuracy"));
  Json last;
  for (const Json& record : read_metrics(fs::path(good_->folder) / RunFolder::kMetrics)) {
    EXPECT_FALSE(record.contains("test_accuracy"));
    if (record.contains("test_mse")) last = record;
  }
  EXPECT_EQ(last["test_mse"], read.headline());
  EXPECT_EQ(last["task"]["headline"], "mse");
}

TEST_F(OwnTask, IsTabledAndDrawn) {
  const std::string one = app::summary_table(good_->summary);
  EXPECT_THAT(one, HasSubstr("test mse"));
  EXPECT_LT(one.find("test mse"), one.find("test loss"));
  const std::string two =
      app::comparison_table({{"good", {good_->summary}}, {"stuck", {stuck_->summary}}});
  EXPECT_THAT(two, HasSubstr("test mse  test loss"));
  for (const std::string& text : {one, two}) EXPECT_THAT(text, Not(HasSubstr("acc")));

  write_curves(folder_->path().string(), "two",
               {{"good", good_->folder}, {"stuck", stuck_->folder}});
  const std::string svg = read_file(*folder_ / "curves.svg");
  EXPECT_THAT(svg, HasSubstr(">test mse of the average<"));
  EXPECT_THAT(svg, Not(HasSubstr("accuracy")));

  std::ostringstream shown;
  const ScoreInfo& score = kSquares.sheet().main();
  make_progress_lines(shown)->update(
      {.step = 1, .epoch_end = true, .score = 0.5, .score_of = &score});
  EXPECT_THAT(shown.str(), HasSubstr("mse 0.5"));
}

// The better run leads, though its figure is the smaller.
TEST_F(OwnTask, IsReportedAndRanked) {
  std::vector<ReportRun> runs;
  for (const Trained* run : {stuck_, good_})
    runs.push_back(read_report_run(RunFolder::open(run->folder), {}));
  const Json data = report_data(runs, {});
  EXPECT_EQ(data["scores"][0]["name"], "mse");
  EXPECT_EQ(data["scores"][0]["test"], "test_mse");
  EXPECT_EQ(data["scores"][0]["more"], false);
  EXPECT_EQ(data["groups"][1]["figures"]["test_mse"]["mean"], good_->summary.headline());
  EXPECT_TRUE(data["runs"][0]["curves"]["evaluations"].contains("test_mse"));
  const std::string sentence = data["headline"];
  EXPECT_THAT(sentence, testing::StartsWith("local-sgd lr=0.1 reached mse "));
  EXPECT_THAT(sentence, HasSubstr(" below local-sgd lr=1e-07"));
  EXPECT_THAT(data.dump(), Not(HasSubstr("accuracy")));

  StudyResult result;
  result.runs = {
      {.name = "a", .folder = good_->folder, .place = {0}, .status = StudyStatus::kShort}};
  result.runs[0].summary = good_->summary;
  Study study;
  study.axes = {{"lr", {0.1}}};
  const Json json = to_json(study, result);
  EXPECT_EQ(json["task"]["headline"], "mse");
  EXPECT_EQ(json["runs"][0]["test_mse"], good_->summary.headline());
}

// What instruments look at is its loss; what has no meaning for it is no number.
TEST_F(OwnTask, IsMeasured) {
  Objective objective([] { return wrap(std::make_shared<Line>()); }, splits().train,
                      *splits().train, {.threads = 2, .task = &kSquares});
  const PointScores at_zero = objective.scores(objective.start());
  EXPECT_NEAR(at_zero.loss, splits().train->targets.square().mean().item<double>() / 2, 1e-6);
  EXPECT_NEAR(at_zero.scores["mse"], 2 * at_zero.loss, 1e-12);
  EXPECT_TRUE(std::isnan(at_zero.error));
  EXPECT_TRUE(std::isnan(at_zero.entropy));
  EXPECT_NEAR(objective.gradient(objective.start()).loss, at_zero.loss, 1e-6);
}

}  // namespace
}  // namespace valley::own_task_test
