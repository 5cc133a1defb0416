#include "valley/runs/extension.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/record/json_file.h"
#include "valley/record/run_folder.h"
#include "valley/runs/finished_run.h"
#include "valley/runs/testing/tiny_run.h"
#include "valley/runs/train_run.h"
#include "valley/runs/training_folder.h"
#include "valley/train/job.h"

namespace valley::extension_test {
namespace {

namespace fs = std::filesystem;

TEST(Extension, OfAFinishedRunIsRecordedAndTrained) {
  const TestFolder folder;
  RunConfig config = tiny_run((folder / "run").string());
  const Summary before = train_or_resume(config, "");
  EXPECT_EQ(before.steps, 10);

  config.epochs = 3;
  config.learning_rate.base = 0.01;
  config.learning_rate.floor = 0.5;
  const DataSplits data = load_job_data(config);
  require_extensible(config, data);
  {
    const TrainingFolder made(config, /*resume=*/true, /*extend=*/true);
    EXPECT_FALSE(fs::exists(folder / "run/summary.json"));
    const Summary after = train_in_threads(config, data, {.resume = true, .extend = true});
    EXPECT_EQ(after.steps, 15);
  }
  const Json all = read_json(folder / "run" / kExtensions).at("extensions");
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].at("step"), 10);
  EXPECT_EQ(all[0].at("changed"), (Json{{"epochs", {{"from", 2}, {"to", 3}}},
                                        {"lr", {{"from", 0.03}, {"to", 0.01}}},
                                        {"lr-floor", {{"from", nullptr}, {"to", 0.5}}}}));
  EXPECT_EQ(all[0].at("summary").at("steps"), 10);
  EXPECT_EQ(FinishedRun::open(config.out).summary().steps, 15);
  EXPECT_EQ(FinishedRun::open(config.out).config().epochs, 3);

  // Twice is twice.
  config.epochs = 4;
  const TrainingFolder again(config, /*resume=*/true, /*extend=*/true);
  EXPECT_EQ(read_json(folder / "run" / kExtensions).at("extensions").size(), 2U);
}

TEST(Extension, NeedsStepsThatAreLeftAndACheckpoint) {
  const TestFolder folder;
  RunConfig config = tiny_run((folder / "run").string());
  train_or_resume(config, "");
  const DataSplits data = load_job_data(config);
  EXPECT_EQ(error_of<UsageError>([&] { require_extensible(config, data); }),
            config.out + " has done 10 steps, and extend asks for 10: epochs must be larger");
  config.steps = 7;
  EXPECT_EQ(error_of<UsageError>([&] { require_extensible(config, data); }),
            config.out + " has done 10 steps, and extend asks for 7: steps must be larger");
  config.out = (folder / "none").string();
  EXPECT_EQ(error_of<UsageError>([&] { require_extensible(config, data); }),
            config.out + " has no checkpoint to go on from");
}

}  // namespace
}  // namespace valley::extension_test
