#include "valley/runs/same_settings.h"

#include <gtest/gtest.h>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/record/run_folder.h"
#include "valley/record/run_state.h"
#include "valley/runs/testing/tiny_run.h"

namespace valley::same_settings_test {
namespace {

TEST(FirstDifference, IsOneThatBearsOnTheOutcome) {
  const RunConfig one = tiny_run("a");
  RunConfig other = one;
  other.out = "b";
  other.checkpoint_every = 5;
  other.timeout = 7;
  other.evaluate_every = 3;
  EXPECT_EQ(first_difference(one, other), "");
  other.until_loss = 0.5;
  EXPECT_EQ(first_difference(one, other), "until-loss = 0, not 0.5");
  EXPECT_EQ(first_difference(one, other, {"until-loss"}), "evaluate-every = 1, not 3");
  other = one;
  other.workers = 2;
  EXPECT_EQ(first_difference(one, other), "workers = 3, not 2");
  EXPECT_EQ(first_difference(one, other, {"workers"}), "");
}

class AFolder : public testing::Test {
 protected:
  void leave(const RunConfig& config) {
    spill(folder / "config.toml", config_text(to_recorded_config(config)));
  }

  const TestFolder folder;
  RunConfig config = tiny_run(folder.path().string());
};

TEST_F(AFolder, IsGoneOnWithIfItAnswersTheSameQuestion) {
  require_same_settings(config);
  EXPECT_EQ(find_start(config), Start::kNew);
  leave(config);
  require_same_settings(config);
  EXPECT_EQ(find_start(config), Start::kResumed);
  spill(folder / "summary.json", R"({"status": "finished"})");
  EXPECT_EQ(find_start(config), Start::kFinished);

  RunConfig other = config;
  other.workers = 2;  // a resumed run may have others
  EXPECT_EQ(find_start(other), Start::kFinished);
  const std::string begin = config.out + " holds a run with ", end = "; choose another out";
  EXPECT_EQ(error_of<UsageError>([&] { require_same_settings(other); }),
            begin + "workers = 3, not 2" + end);
  other = config;
  set(other, "push", 0.3);
  EXPECT_EQ(error_of<UsageError>([&] { find_start(other); }), begin + "push = 0.2, not 0.3" + end);
}

TEST_F(AFolder, OfARunThatDivergedIsNotTriedAgain) {
  leave(config);
  note_divergence(folder.path(), 0, "the loss is nan; and so on");
  EXPECT_EQ(error_of<Diverged>([&] { find_start(config); }),
            config.out + " has diverged already: the loss is nan");
}

}  // namespace
}  // namespace valley::same_settings_test
