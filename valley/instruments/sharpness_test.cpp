#include "valley/instruments/sharpness.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/instruments/sharpness_json.h"
#include "valley/runs/testing/tiny_run.h"
#include "valley/runs/train_run.h"

namespace valley::sharpness_test {
namespace {

class Sharpness : public testing::Test {
 protected:
  FinishedRun train(int64_t workers) {
    RunConfig config = tiny_run((folder / "run").string());
    config.workers = workers;
    train_or_resume(config, "");
    return FinishedRun::open(config.out);
  }

  const TestFolder folder;
  const std::filesystem::path file = folder / "sharpness.json";
  SharpnessOptions options{.measures = {"entropy", "gradient-norm"}, .samples = 30, .draws = 2};
};

TEST_F(Sharpness, OfARunIsMeasuredAndRecorded) {
  const FinishedRun run = train(3);
  const SharpnessResult result = measure_sharpness(run, sharpness_request(options, 1));
  EXPECT_EQ(result.run.workers, 3);
  EXPECT_EQ(result.examples, 30);
  EXPECT_EQ(result.training_examples, 120);
  ASSERT_EQ(result.measures.size(), 2u);
  // The order is that of the table, not of the asking.
  EXPECT_EQ(result.measures[0].entry->name, "gradient-norm");
  const double norm = *result.measures[0].measurement.value;
  EXPECT_GT(norm, 0);
  const Json json = to_json(result);
  EXPECT_EQ(json["run"], run.folder());
  EXPECT_EQ(json["options"]["search"], "bisect");
  EXPECT_EQ(json["measures"]["gradient-norm"]["value"], norm);

  write_sharpness(file, result);
  options.measures = {"fisher-rao"};
  write_sharpness(file, measure_sharpness(run, sharpness_request(options, 1)));
  const auto recorded = recorded_measures(file, options);
  ASSERT_TRUE(recorded);
  ASSERT_EQ(recorded->size(), 3u) << "those of before are kept";
  EXPECT_EQ((*recorded)[0].first, "fisher-rao");
  EXPECT_EQ((*recorded)[1], std::pair(std::string("gradient-norm"), std::optional(norm)));
  options.samples = 31;
  EXPECT_FALSE(recorded_measures(file, options)) << "taken with other options";
  spill(file, "{");
  options.samples = 30;
  EXPECT_FALSE(recorded_measures(file, options));
}

TEST_F(Sharpness, NeedsWhatAMeasureNeeds) {
  const FinishedRun run = train(1);
  options.measures = {"mean-valley"};
  SharpnessRequest request = sharpness_request(options, 1);
  std::vector<FinishedRun> two = {run, run};
  EXPECT_EQ(error_of<UsageError>([&] { require_measurable(two, request); }),
            run.folder() +
                ": mean-valley needs two workers, the run has one; no other run has it "
                "either");
  EXPECT_FALSE(measure_sharpness(run, request).measures[0].measurement.value);
  require_measurable({run}, request);
  EXPECT_EQ(error_of<UsageError>([&] { measure_sharpness(run, request); }),
            run.folder() + ": mean-valley needs two workers, the run has one");
  const std::atomic<bool> stop = true;
  EXPECT_THROW(measure_sharpness(run, request, {.stop = &stop}), Stopped);
}

TEST_F(Sharpness, RefusesWhatMakesNoSense) {
  const auto error = [&] { return error_of<UsageError>([&] { sharpness_request(options); }); };
  options.measures = {"sam", "sam"};
  EXPECT_EQ(error(), "measures has sam twice");
  options = {.lanczos = 1};
  EXPECT_EQ(error(), "lanczos must be at least 2, got 1");
  options = {.samples = -1};
  EXPECT_EQ(error(), "samples must be at least 0, got -1");
}

}  // namespace
}  // namespace valley::sharpness_test
