#include "valley/study/study.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"

namespace valley::study_test {
namespace {

using testing::HasSubstr;

constexpr const char* kRecipe = R"(
algorithm = "dppf"
data = "blobs"
train-samples = 64
test-samples = 32
model = "mlp-8-8"
workers = 2
threads = 1
epochs = 1
batch-size = 8

[grid]
lr = [0.01, 0.1]
seed = [0, 1]

[sharpness]
measures = "entropy,gradient-norm"
samples = 16
)";

TEST(Study, TrainsAndMeasuresWhatIsNotThereYet) {
  const TestFolder folder;
  const std::string out = (folder / "study").string();
  const Study study = read_study(kRecipe, "small.toml", out, 1);
  ASSERT_EQ(study.runs.size(), 4u);
  require_trainable(named_runs(study));
  std::vector<std::string> titles;
  int measured = 0;
  StudyWork work;
  work.train = [&](const RunConfig& config, const std::string& title) {
    titles.push_back(title.substr(0, title.find(", about")));
    return train_or_resume(config, title);
  };
  work.measure = [&](const FinishedRun& run, const SharpnessRequest& request) {
    ++measured;
    return measure_sharpness(run, request);
  };
  const StudyResult result = run_study(study, work);
  EXPECT_FALSE(result.interrupted);
  EXPECT_EQ(titles[3], "[4/4] lr=0.1,seed=1");
  EXPECT_EQ(result.ranked().size(), 4u);
  ASSERT_EQ(result.ranking.size(), 3u);
  EXPECT_EQ(result.ranking[2].measure, kControlMeasure);
  EXPECT_EQ(result.runs[3].place, (std::vector<int64_t>{1, 1}));

  const Json json = to_json(study, result);
  EXPECT_EQ(json["recipe"], kRecipe);
  EXPECT_EQ(json["runs"][3]["settings"], (Json{{"lr", "0.1"}, {"seed", "1"}}));
  EXPECT_EQ(json["runs"][3]["measures"]["entropy"]["value"], *result.runs[3].value("entropy"));
  EXPECT_EQ(json["runs"][3]["measures"][kControlMeasure]["value"],
            result.runs[3].summary.train.loss());
  EXPECT_THAT(study_svg(study, result), HasSubstr(">4 runs of dppf on blobs<"));

  const StudyResult again = run_study(study, work);
  EXPECT_EQ(measured, 4);
  EXPECT_EQ(to_json(study, again)["runs"], json["runs"]);
  work.stopped = [] { return true; };
  EXPECT_TRUE(run_study(study, work).interrupted);
}

TEST(Study, NamesRunsThatFellShort) {
  const TestFolder folder;
  const std::string recipe = std::string("until-loss = 1e-9\n") + kRecipe;
  const Study study = read_study(recipe, "small.toml", (folder / "study").string(), 1);
  const StudyResult result = run_study(study);
  EXPECT_EQ(result.runs[0].status, StudyStatus::kShort);
  EXPECT_TRUE(result.ranking.empty());
  const Json run = to_json(study, result)["runs"][0];
  EXPECT_EQ(run["status"], "short");
  EXPECT_TRUE(run.contains("train_loss"));
  EXPECT_FALSE(run.contains("measures"));
}

TEST(Recipe, HoldsTheOptionsOfSharpness) {
  const SharpnessOptions options = sharpness_options_of({{"measures", "sam,lpf"},
                                                         {"draws", int64_t{5}},
                                                         {"kappa", int64_t{3}},
                                                         {"search", "step"},
                                                         {"batch-norm", "probe"},
                                                         {"normalise", true}},
                                                        "r.toml");
  EXPECT_EQ(options.measures, (std::vector<std::string>{"sam", "lpf"}));
  EXPECT_EQ(options.draws, 5);
  EXPECT_EQ(options.kappa, 3);
  EXPECT_EQ(options.search, ValleySearch::kStep);
  EXPECT_EQ(options.batch_norm, BatchNormAt::kProbe);
  EXPECT_TRUE(options.normalise);
  const auto error = [](const std::string& key, const ConfigValue& value) {
    return error_of<UsageError>([&] { sharpness_options_of({{key, value}}, "r.toml"); });
  };
  EXPECT_THAT(error("sample", int64_t{3}),
              HasSubstr("unknown key in [sharpness] of r.toml: 'sample'; did you mean 'samples'?"));
  EXPECT_EQ(error("draws", 0.5), "draws must be a whole number, got '0.5'");
  EXPECT_EQ(error("normalise", int64_t{1}), "normalise must be true or false, got '1'");
}

TEST(Recipe, FindsAFolderThatHoldsSomethingElse) {
  const TestFolder folder;
  const std::string out = (folder / "study").string();
  spill(folder / "config.toml", "");
  EXPECT_EQ(error_of<UsageError>([&] { read_study(kRecipe, "r", folder.path().string()); }),
            "out " + folder.path().string() + " is a run; choose another folder");
  std::filesystem::create_directory(out);
  std::string other = kRecipe;
  other.replace(other.find("seed = "), 6, "momentum =");
  spill(std::filesystem::path(out) / kStudyRecipe, other);
  EXPECT_EQ(error_of<UsageError>([&] { read_study(kRecipe, "r", out); }),
            "out " + out +
                " holds a study over lr, momentum, not lr, seed; choose another "
                "folder");
}

}  // namespace
}  // namespace valley::study_test
