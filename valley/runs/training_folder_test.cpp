#include "valley/runs/training_folder.h"

#include <gtest/gtest.h>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/record/run_folder.h"
#include "valley/runs/testing/tiny_run.h"

namespace valley::training_folder_test {
namespace {

TEST(TrainingFolder, OfARefusedRunGoesWithAllThatWasMadeForIt) {
  const TestFolder folder;
  const RunConfig config = tiny_run((folder / "a/b/run").string());
  const TrainingFolder made(config, /*resume=*/false);
  EXPECT_EQ(slurp(folder / "a/b/run/config.toml"), config_text(to_recorded_config(config)));
  made.withdraw();
  EXPECT_EQ(folder.list(), "");
}

TEST(TrainingFolder, KeepsWhatWasSaved) {
  const TestFolder folder;
  const RunConfig config = tiny_run((folder / "run").string());
  const TrainingFolder made(config, /*resume=*/false);
  std::filesystem::create_directory(folder / "run/checkpoints");
  made.withdraw();
  EXPECT_TRUE(std::filesystem::exists(folder / "run/config.toml"));
}

TEST(TrainingFolder, BelongsToOneTraining) {
  const TestFolder folder;
  RunConfig config = tiny_run((folder / "run").string());
  const std::string file = (folder / "run/config.toml").string();
  {
    const TrainingFolder made(config, /*resume=*/false);
    EXPECT_EQ(error_of<UsageError>([&] { TrainingFolder(config, true); }),
              config.out + " is in use: another process is training there");
  }
  config.workers = 2;
  const TrainingFolder resumed(config, /*resume=*/true);
  EXPECT_EQ(slurp(file), config_text(to_recorded_config(config)));
  resumed.withdraw();  // it was there before
  EXPECT_TRUE(std::filesystem::exists(file));
}

}  // namespace
}  // namespace valley::training_folder_test
