// What was written in earlier days: recipes give the settings that they gave, and run folders
// resume.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <mutex>

#include "valley/comm/group.h"
#include "valley/core/testing/test_folder.h"
#include "valley/record/config_file.h"
#include "valley/record/progress.h"
#include "valley/record/run_folder.h"
#include "valley/train/job.h"

namespace valley::golden_test {
namespace {

namespace fs = std::filesystem;

// The tests run in the project's root.
const fs::path kGolden = "tests/golden";

std::vector<fs::path> sorted(const fs::path& folder) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(folder)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

RunConfig config_of(const fs::path& file) {
  RunConfig config;
  apply_config(read_config(file.string()), file.string(), config);
  return config;
}

// The settings of `config`, but for those that came later: younger, not in `earlier`, and as they
// are where nobody gives them.
Config as_it_was(RunConfig config, const Config& earlier) {
  RunConfig defaults;
  const auto settings = settings_of(config), others = settings_of(defaults);
  Config values;
  for (const auto& setting : to_config(config)) {
    bool later = std::none_of(earlier.begin(), earlier.end(),
                              [&](const auto& e) { return e.first == setting.first; });
    for (size_t i = 0; i < settings.size(); ++i) {
      if (settings[i].key != setting.first) continue;
      later = later && settings[i].has(kYounger) && settings[i].get() == others[i].get();
    }
    if (!later) values.push_back(setting);
  }
  return values;
}

// tests/golden/config/NAME.toml is what `valley train --config RECIPE --print-config` was.
TEST(Golden, ARecipeGivesTheSettingsThatItGave) {
  for (const fs::path& golden : sorted(kGolden / "config")) {
    SCOPED_TRACE(golden);
    const fs::path name = golden.filename();
    const fs::path recipe = name == "demo.toml" ? "scripts" / name : "recipes" / name;
    EXPECT_EQ(config_text(as_it_was(config_of(recipe), read_config(golden))), slurp(golden));
  }
}

TEST(Golden, EveryRecipeOfATrainingIsAmongThem) {
  for (const fs::path& recipe : sorted("recipes")) {
    if (recipe.extension() != ".toml" || recipe.filename() == "study.toml") continue;
    EXPECT_TRUE(fs::exists(kGolden / "config" / recipe.filename())) << recipe;
  }
}

class Listener : public Progress {
 public:
  void update(const ProgressState&) override {}
  void message(std::string_view text) override { messages.emplace_back(text); }
  void finish() override {}

  std::vector<std::string> messages;
};

// Folders of runs of 8 steps that broke off after the checkpoint at step 4, one a method; made by
// tests/golden/runs/make.sh.
TEST(Golden, ARunOfEarlierDaysIsResumed) {
  int runs = 0;
  for (const fs::path& golden : sorted(kGolden / "runs")) {
    if (!fs::is_directory(golden)) continue;
    SCOPED_TRACE(golden);
    const TestFolder folder;
    fs::copy(golden, folder.path(), fs::copy_options::recursive);
    RunConfig config = config_of(folder.path() / RunFolder::kConfig);
    config.out = folder.path().string();
    const DataSplits data = load_job_data(config);
    Listener listener;
    Summary summary;
    run_threads(static_cast<int>(config.workers), [&](Communicator& comm) {
      const Summary mine = run_job(config, data, comm, {.resume = true, .progress = &listener});
      if (comm.rank() == 0) summary = mine;
    });
    EXPECT_EQ(summary.status, RunState::Kind::kFinished);
    EXPECT_EQ(summary.steps, 8);
    EXPECT_THAT(listener.messages, testing::Contains("resuming at step 4 of 8"));
    ++runs;
  }
  EXPECT_GE(runs, 17);
}

}  // namespace
}  // namespace valley::golden_test
