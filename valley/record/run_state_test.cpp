#include "valley/record/run_state.h"

#include <gtest/gtest.h>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/record/run_lock.h"

namespace valley::run_state_test {
namespace {

using Kind = RunState::Kind;

class StateOfARun : public testing::Test {
 protected:
  StateOfARun() { spill(folder / "config.toml", ""); }

  RunFolder run() const { return RunFolder::open(folder.path()); }
  Kind kind() const { return run_state(run()).kind; }
  void end(const std::string& status) {
    spill(folder / "summary.json", "{\"status\": \"" + status + "\"}");
  }

  TestFolder folder;
};

TEST_F(StateOfARun, IsInItsFiles) {
  EXPECT_EQ(kind(), Kind::kBrokenOff);
  end("interrupted");
  EXPECT_EQ(kind(), Kind::kInterrupted);
  end("finished");
  EXPECT_EQ(kind(), Kind::kFinished);
  spill(folder / "summary.json", "{}");
  EXPECT_EQ(kind(), Kind::kFinished);
}

TEST_F(StateOfARun, IsRunningWhileSomebodyHasTheLock) {
  {
    const RunLock lock(folder.path());
    EXPECT_TRUE(RunLock::held(folder.path()));
    EXPECT_EQ(kind(), Kind::kRunning);
    EXPECT_EQ(error_of<UsageError>([&] { const RunLock second(folder.path()); }),
              folder.path().string() + " is in use: another process is training there");
    end("interrupted");
    EXPECT_EQ(kind(), Kind::kRunning) << "the summary is that of the time before";
    end("finished");
    EXPECT_EQ(kind(), Kind::kFinished);
  }
  EXPECT_FALSE(RunLock::held(folder.path()));
  EXPECT_FALSE(RunLock::held(folder / "none"));
}

TEST_F(StateOfARun, ADivergenceIsNotedAndForgotten) {
  end("interrupted");
  note_divergence(folder.path(), 0, "the loss is nan at step 8 on worker 0; see; there");
  note_divergence(folder.path(), 1, "a weight is not finite");
  EXPECT_EQ(run_state(run()).kind, Kind::kDiverged);
  EXPECT_EQ(run_state(run()).reason, "a weight is not finite");
  note_divergence(folder.path(), 0, "the loss is nan at step 8 on worker 0; see; there");
  EXPECT_EQ(run_state(run()).reason, "the loss is nan at step 8 on worker 0");
  forget_divergence(folder.path());
  EXPECT_EQ(kind(), Kind::kInterrupted);
  forget_divergence(folder.path());
}

TEST_F(StateOfARun, KnowsADivergenceWhoseFileIsDamaged) {
  spill(folder / "diverged.json", "{");
  EXPECT_EQ(kind(), Kind::kDiverged);
  EXPECT_EQ(run_state(run()).reason, "");
}

TEST_F(StateOfARun, SaysWhatToDoAboutADamagedSummary) {
  const std::string path = folder.path().string();
  spill(folder / "summary.json", "{");
  EXPECT_EQ(kind(), Kind::kDamaged);
  EXPECT_EQ(run_state(run()).reason,
            path + "/summary.json is not JSON: it breaks at byte 2 of 1; valley train --resume " +
                path + " writes it anew from the last checkpoint");
  note_divergence(folder.path(), 0, "the loss is nan");
  EXPECT_EQ(kind(), Kind::kDiverged);
  const RunLock lock(folder.path());
  EXPECT_EQ(kind(), Kind::kRunning) << "who trains there writes it anew";
}

TEST(RunStateName, IsAWord) {
  EXPECT_EQ(name(Kind::kFinished), "finished");
  EXPECT_EQ(name(Kind::kInterrupted), "interrupted");
  EXPECT_EQ(name(Kind::kDiverged), "diverged");
  EXPECT_EQ(name(Kind::kRunning), "running");
  EXPECT_EQ(name(Kind::kBrokenOff), "broken off");
  EXPECT_EQ(name(Kind::kDamaged), "damaged");
}

TEST(RunStateName, ASummaryHoldsOneOfTwo) {
  EXPECT_EQ(parse_status("finished"), Kind::kFinished);
  EXPECT_EQ(parse_status("interrupted"), Kind::kInterrupted);
  EXPECT_EQ(error_of<UsageError>([] { parse_status("diverged"); }),
            "the summary of the run is damaged: 'diverged' is no status of a run that ended");
}

}  // namespace
}  // namespace valley::run_state_test
