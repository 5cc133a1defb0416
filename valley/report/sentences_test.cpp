#include "valley/report/sentences.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "valley/report/test_runs.h"

namespace valley::sentences_test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string headline_of(const std::vector<ReportRun>& runs) { return headline(group_runs(runs)); }

ReportRun with_widths(ReportRun run, double width, double predicted) {
  run.summary["valley_width"] = width;
  run.summary["predicted_width"] = predicted;
  return run;
}

TEST(Cautions, DamagedFilesAndWhatToDo) {
  std::vector<ReportRun> runs = {test_run("ssgd", 0, 0.8)};
  for (int i = 0; i < 7; ++i) runs[0].damages.push_back("x is damaged; mend it.");
  const auto list = cautions(group_runs(runs));
  ASSERT_EQ(list.size(), 6u);
  EXPECT_EQ(list[0], "Left out: x is damaged; mend it.");
  EXPECT_EQ(list[5], "2 more files are damaged.");
  runs[0].damages.clear();
  runs[0].status = RunState::Kind::kDamaged;
  runs[0].reason = "x is damaged; mend it";
  EXPECT_EQ(cautions(group_runs(runs))[0],
            "ssgd-0 has no result that can be read: x is damaged; mend it.");
}

TEST(Headline, OneRun) {
  EXPECT_EQ(headline_of({with_widths(test_run("dppf", 0, 0.8504), 4.004, 4)}),
            "dppf trained lenet on blobs with 4 workers to 85.04 % on the test set in 36.0 s, "
            "sending 100 B a worker, 25 % of what synchronous SGD sends; its valley width 4.00 "
            "matches the predicted 4.00.");
}

TEST(Headline, OneMethodSeveralSeeds) {
  EXPECT_EQ(
      headline_of({test_run("ssgd", 0, 0.84, 400), test_run("ssgd", 1, 0.86, 400)}),
      "ssgd trained lenet on blobs with 4 workers to 85.00 % ± 1.41 on the test set (2 seeds) "
      "in 36.0 s each, sending 400 B a worker.");
}

TEST(Headline, AWidthThatIsNotThePredictedOne) {
  EXPECT_THAT(headline_of({with_widths(test_run("dppf", 0, 0.9), 1.87, 4)}),
              testing::EndsWith("; its valley width 1.87 stays below the predicted 4.00."));
  EXPECT_THAT(headline_of({with_widths(test_run("dppf", 0, 0.9), 4.3, 4)}),
              testing::EndsWith("; its valley width 4.30 lies above the predicted 4.00."));
}

TEST(Headline, TheBestAgainstSsgd) {
  EXPECT_EQ(headline_of({test_run("ssgd", 0, 0.84, 400), test_run("ssgd", 1, 0.842, 400),
                         test_run("local-sgd", 0, 0.845), test_run("local-sgd", 1, 0.845),
                         with_widths(test_run("dppf", 0, 0.85), 4, 4),
                         with_widths(test_run("dppf", 1, 0.852), 4, 4)}),
            "dppf reached 85.10 % ± 0.14 on the test set (2 seeds), 1.00 points above ssgd, "
            "sending 25 % of its bytes; its valley width 4.00 matches the predicted 4.00.");
}

TEST(Headline, TheFrugalRunnerUp) {
  EXPECT_EQ(
      headline_of({test_run("ssgd", 0, 0.85, 400), test_run("ssgd", 1, 0.87, 400),
                   with_widths(test_run("dppf", 0, 0.84), 4, 4),
                   with_widths(test_run("dppf", 1, 0.86), 4, 4)}),
      "ssgd reached 86.00 % ± 1.41 on the test set (2 seeds); dppf ended 1.00 points below it "
      "(within the spread of seeds), sending 25 % of its bytes; its valley width 4.00 matches "
      "the predicted 4.00.");
}

TEST(Headline, SameTrafficSameScore) {
  EXPECT_EQ(headline_of({test_run("easgd", 0, 0.85), test_run("dppf", 0, 0.85)}),
            "easgd reached 85.00 % on the test set (one seed), level with dppf, sending as many "
            "bytes.");
}

TEST(Headline, OneWorkerSendsNothing) {
  ReportRun run = test_run("ssgd", 0, 0.5, 0);
  run.summary["workers"] = 1;
  EXPECT_EQ(headline_of({run}),
            "ssgd trained lenet on blobs with 1 worker to 50.00 % on the test set in 36.0 s, "
            "sending nothing.");
}

TEST(Headline, NothingEnded) {
  std::vector<ReportRun> runs = {test_run("dppf", 0, 0.9)};
  runs[0].status = RunState::Kind::kBrokenOff;
  EXPECT_EQ(headline_of(runs), "The run has not ended, so there is no result yet.");
  runs.push_back(runs[0]);
  EXPECT_EQ(headline_of(runs), "None of the 2 runs has ended, so there is no result yet.");
  runs[0].status = RunState::Kind::kDiverged;
  EXPECT_EQ(headline_of({runs[0]}), "The run diverged, so there is no result.");
  runs[1].status = RunState::Kind::kDiverged;
  EXPECT_EQ(headline_of(runs), "All 2 runs diverged, so there is no result.");
}

TEST(Headline, RunsThatDidNotEndDoNotCount) {
  std::vector<ReportRun> runs = {test_run("ssgd", 0, 0.99), test_run("dppf", 0, 0.85)};
  runs[0].status = RunState::Kind::kDiverged;
  EXPECT_THAT(headline_of(runs), testing::StartsWith("dppf trained lenet on blobs"));
}

TEST(Cautions, NoneForEqualTermsAndSeeds) {
  EXPECT_THAT(cautions(group_runs({test_run("ssgd", 0, 0.8)})), IsEmpty());
  const std::vector<ReportRun> runs = {test_run("ssgd", 0, 0.8), test_run("ssgd", 1, 0.8),
                                       test_run("dppf", 0, 0.8), test_run("dppf", 1, 0.8)};
  EXPECT_THAT(cautions(group_runs(runs)), IsEmpty());
}

TEST(Cautions, RunsThatDidNotEnd) {
  std::vector<ReportRun> runs;
  for (int seed = 0; seed < 5; ++seed) runs.push_back(test_run("dppf", seed, 0.8));
  runs[0].status = RunState::Kind::kDiverged;
  runs[0].reached = "step 8 (epoch 0.5)";
  runs[1].status = RunState::Kind::kInterrupted;
  runs[1].reached = "step 9 (epoch 1)";
  runs[2].status = RunState::Kind::kBrokenOff;
  runs[3].status = RunState::Kind::kDiverged;
  runs[3].reason = "the loss is inf at step 7 on worker 1";
  runs[4].status = RunState::Kind::kRunning;
  EXPECT_THAT(
      cautions(group_runs(runs)),
      ElementsAre("dppf-0 diverged: its loss was no number at step 8 (epoch 0.5).",
                  "dppf-1 was interrupted at step 9 (epoch 1); valley train --resume runs/dppf-1 "
                  "goes on.",
                  "dppf-2 broke off before anything was measured: killed, or something failed; "
                  "valley train --resume runs/dppf-2 goes on.",
                  "dppf-3 diverged: the loss is inf at step 7 on worker 1.",
                  "dppf-4 still runs; its records end before anything was measured.",
                  "Runs that did not end are in the curves but not in the means."));
}

TEST(Cautions, RunsThatEndedWithNothingLearned) {
  std::vector<ReportRun> runs;
  for (int seed = 0; seed < 3; ++seed) runs.push_back(test_run("dppf", seed, 0.1));
  for (ReportRun& run : runs) {
    run.summary.update({{"train_loss", 59.1},
                        {"first_loss", 2.31},
                        {"chance_accuracy", 0.1},
                        {"verdict", "worse"}});
  }
  runs[1].summary["verdict"] = "chance";
  runs[2].summary["verdict"] = "learned";
  EXPECT_THAT(cautions(group_runs(runs)),
              ElementsAre("dppf-0: training ended worse than it began: training loss 59.1, in the "
                          "first batches 2.31.",
                          "dppf-1: the model is no better than chance: test accuracy 10.00 %, the "
                          "commonest class alone 10.00 %."));
  for (int seed = 3; seed < 9; ++seed) {
    runs.push_back(runs[0]);
    runs.back().name = "dppf-" + std::to_string(seed);
  }
  const auto list = cautions(group_runs(runs));
  ASSERT_EQ(list.size(), 6);
  EXPECT_EQ(list[5], "3 more runs ended no better than that.");
}

TEST(Cautions, VeryManyAreCounted) {
  std::vector<ReportRun> runs;
  for (int seed = 0; seed < 8; ++seed) {
    runs.push_back(test_run("dppf", seed, 0.8));
    runs.back().status = RunState::Kind::kInterrupted;
  }
  const auto list = cautions(group_runs(runs));
  ASSERT_EQ(list.size(), 7);
  EXPECT_EQ(list[5], "3 more runs did not end.");
}

TEST(Cautions, OneSeedAndUnequalTerms) {
  const std::vector<ReportRun> runs = {test_run("ssgd", 0, 0.8),
                                       with_setting(test_run("dppf", 0, 0.9), "lr", 0.03)};
  EXPECT_THAT(cautions(group_runs(runs)),
              ElementsAre("A method with one seed has no spread: small differences may be chance.",
                          "The methods do not run on equal terms; they differ in lr (0.1, 0.03)."));
}

}  // namespace
}  // namespace valley::sentences_test
