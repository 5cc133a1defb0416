#include "valley/train/summary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"

namespace valley::summary_test {
namespace {

Summary example() {
  return {.status = RunState::Kind::kInterrupted,
          .algorithm = "dppf",
          .model = "lenet",
          .data = "xor",
          .workers = 3,
          .backend = "gloo",
          .seed = UINT64_MAX,
          .parameters = 4,
          .steps = 5,
          .epochs = 1.25,
          .train = {{{"loss", 0.1}, {"accuracy", 0.2}}},
          .test = {{{"loss", 0.3}, {"accuracy", 0.4}}},
          .generalization_gap = -0.2,
          .verdict = Verdict::kWorse,
          .first_loss = 0.05,
          .chance = 0.25,
          .valley_width = 0.5,
          .predicted_width = 0.6,
          .rounds = 7,
          .comm_bytes_per_worker = 800,
          .comm_fraction_of_ssgd = 0.9,
          .seconds = {1, 2, 3, 4, 5, 0.5, 16.5},
          .probes = {.count = 2, .passes = 12.5, .bytes = 900},
          .samples_per_second = 1000.5,
          .peak_rss_bytes = int64_t{1} << 40};
}

TEST(Summary, SurvivesItsJson) {
  const Json json = example().to_json();
  const Summary read = summary_from(Json::parse(json.dump()));
  EXPECT_EQ(read.to_json(), json);
  EXPECT_EQ(read.seed, UINT64_MAX);
  EXPECT_EQ(read.seconds.total, 16.5);
  EXPECT_EQ(read.seconds.probe, 0.5);
  EXPECT_EQ(read.probes.bytes, 900);
  EXPECT_EQ(read.seconds.wait, 3);
  EXPECT_EQ(read.verdict, Verdict::kWorse);
  EXPECT_EQ(read.first_loss, 0.05);
  EXPECT_EQ(read.chance, 0.25);
  EXPECT_EQ(read.caution(),
            "training ended worse than it began: training loss 0.1, in the first batches 0.05");
  EXPECT_EQ(read.peak_rss_bytes, int64_t{1} << 40);
}

// Those of earlier versions have none.
TEST(Summary, DoesWithoutAVerdict) {
  Json json = example().to_json();
  EXPECT_EQ(json["verdict"], "worse");
  for (const char* key : {"verdict", "first_loss", "chance_accuracy"}) json.erase(key);
  const Summary read = summary_from(json);
  EXPECT_EQ(read.verdict, Verdict::kUnknown);
  EXPECT_TRUE(std::isnan(read.first_loss));
  EXPECT_EQ(read.caution(), "");
}

// What others read from summary.json; none may go.
TEST(Summary, HoldsWhatIsPromised) {
  const Json json = example().to_json();
  EXPECT_FALSE(json.contains("task"));  // as it always was
  for (const char* key : {"algorithm",
                          "model",
                          "data",
                          "workers",
                          "seed",
                          "steps",
                          "epochs",
                          "train_loss",
                          "train_accuracy",
                          "test_loss",
                          "test_accuracy",
                          "generalization_gap",
                          "chance_accuracy",
                          "valley_width",
                          "predicted_width",
                          "rounds",
                          "comm_bytes_per_worker",
                          "comm_fraction_of_ssgd",
                          "seconds",
                          "probes",
                          "samples_per_second",
                          "peak_rss_bytes",
                          "version"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
  for (const char* key : {"compute", "communicate", "wait", "data", "evaluate", "probe", "total"}) {
    EXPECT_TRUE(json.at("seconds").contains(key)) << key;
  }
}

// A loss that is not finite is null in JSON.
TEST(Summary, ALossThatIsNoNumberCanBeRead) {
  Summary summary = example();
  summary.test.values[0].second = std::numeric_limits<double>::quiet_NaN();
  summary.train.values[0].second = std::numeric_limits<double>::infinity();
  const Summary read = summary_from(Json::parse(summary.to_json().dump()));
  EXPECT_TRUE(std::isnan(read.test.loss()));
  EXPECT_TRUE(std::isnan(read.train.loss()));
  EXPECT_EQ(read.test["accuracy"], 0.4);
}

// Another task's names, its headline and which way is better come with the record.
TEST(Summary, SaysWhatItsScoresAre) {
  Summary summary = example();
  summary.sheet = {.task = "squares",
                   .scores = {{.name = "loss"}, {.name = "mse"}},
                   .headline = 1,
                   .chance = "the mean alone"};
  summary.train = {{{"loss", 0.1}, {"mse", 0.2}}};
  summary.test = {{{"loss", 0.3}, {"mse", 0.4}}};
  const Json json = summary.to_json();
  EXPECT_EQ(json["test_mse"], 0.4);
  EXPECT_EQ(json["chance_mse"], 0.25);
  EXPECT_FALSE(json.contains("test_accuracy"));
  const Summary read = summary_from(Json::parse(json.dump()));
  EXPECT_EQ(read.to_json(), json);
  EXPECT_EQ(read.headline(), 0.4);
  EXPECT_FALSE(read.sheet.main().more_is_better);
  EXPECT_EQ(read.sheet.chance, "the mean alone");
  summary.chance = std::nullopt;
  EXPECT_FALSE(summary_from(summary.to_json()).chance);
}

// Runs of a time before there were probes.
TEST(Summary, DoesWithoutProbes) {
  Json json = example().to_json();
  json.erase("probes");
  json["seconds"].erase("probe");
  const Summary read = summary_from(json);
  EXPECT_EQ(read.probes.count, 0);
  EXPECT_EQ(read.seconds.probe, 0);
}

TEST(Summary, DamageIsSaidInWords) {
  Json json = example().to_json();
  json.erase("steps");
  EXPECT_EQ(error_of<UsageError>([&] { summary_from(json); }),
            "the summary of the run is damaged: key 'steps' not found");
}

TEST(Summary, DamageIsAUsageError) {
  for (const char* key : {"rounds", "seconds", "status"}) {
    Json json = example().to_json();
    json.erase(key);
    EXPECT_TRUE(error_of<UsageError>([&] {
                  summary_from(json);
                }).starts_with("the summary of the run is damaged: "))
        << key;
  }
  Json json = example().to_json();
  json["status"] = "running";
  EXPECT_EQ(error_of<UsageError>([&] { summary_from(json); }),
            "the summary of the run is damaged: 'running' is no status of a run that ended");
  json = example().to_json();
  json["steps"] = "many";
  EXPECT_TRUE(error_of<UsageError>([&] {
                summary_from(json);
              }).starts_with("the summary of the run is damaged: "));
}

}  // namespace
}  // namespace valley::summary_test
