#include "valley/runs/train_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/record/run_folder.h"
#include "valley/runs/outcome.h"
#include "valley/runs/testing/tiny_run.h"

namespace valley::train_run_test {
namespace {

using testing::ElementsAre;
using Kind = RunState::Kind;

class ARun : public testing::Test {
 protected:
  Summary train() {
    said.clear();
    return train_or_resume(config, "a title", watch);
  }

  const TestFolder folder;
  RunConfig config = tiny_run((folder / "run").string());
  std::vector<std::string> said;
  RunWatch watch{.say = [this](const std::string& line) { said.push_back(line); }};
};

TEST_F(ARun, IsTrainedOnce) {
  const Summary first = train();
  EXPECT_EQ(first.status, Kind::kFinished);
  EXPECT_THAT(said, ElementsAre("a title"));
  EXPECT_EQ(finished_outcome(config.out)->steps, first.steps);
  EXPECT_EQ(train().test.loss(), first.test.loss());
  EXPECT_THAT(said, ElementsAre(config.out + " is finished already"));
}

TEST_F(ARun, GoesOnWhereItWasInterrupted) {
  const std::atomic<bool> stop = true;
  watch.begin = [&] { return JobContext{.stop = &stop}; };
  const Summary before = train();
  EXPECT_EQ(before.status, Kind::kInterrupted);
  EXPECT_FALSE(finished_outcome(config.out));
  EXPECT_EQ(damaged_summary_notice(config.out), "");
  const std::string file = config.out + "/summary.json";
  spill(file, "{");
  watch.begin = {};
  const Summary after = train();
  EXPECT_EQ(after.status, Kind::kFinished);
  EXPECT_GT(after.steps, before.steps);
  EXPECT_THAT(said, ElementsAre("a title", file + " is not JSON: it breaks at byte 2 of 1; it is "
                                                  "written anew"));
}

TEST_F(ARun, ThatIsRefusedLeavesNothing) {
  watch.begin = []() -> JobContext { throw UsageError("no"); };
  EXPECT_EQ(error_of<UsageError>([&] { train(); }), "no");
  EXPECT_EQ(folder.list(), "");
}

TEST_F(ARun, OfSeveralIsNamedWhereItCannotBeTrained) {
  RunConfig bad = config;
  bad.workers = 1000;
  EXPECT_THAT(error_of<UsageError>([&] {
                require_trainable({{"good", config}, {"bad", bad}});
              }),
              testing::StartsWith("bad: "));
  require_trainable({{"good", config}});
  EXPECT_EQ(folder.list(), "");
}

TEST_F(ARun, HasAFolderOfItsOwnWhereNobodyNamesOne) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  EXPECT_EQ(free_run_folder(config), "runs/dppf-mlp-seed5");
  std::filesystem::create_directories("runs/dppf-mlp-seed5");
  EXPECT_EQ(free_run_folder(config), "runs/dppf-mlp-seed5-2");
  std::filesystem::current_path(before);
}

}  // namespace
}  // namespace valley::train_run_test
