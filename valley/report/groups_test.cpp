#include "valley/report/groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "valley/report/test_runs.h"

namespace valley::groups_test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> labels(const std::vector<RunGroup>& groups) {
  std::vector<std::string> result;
  for (const auto& group : groups) result.push_back(group.label);
  return result;
}

TEST(GroupRuns, SeedsOfOneSettingAreOneGroup) {
  const std::vector<ReportRun> runs = {test_run("ssgd", 0, 0.8), test_run("dppf", 0, 0.9),
                                       test_run("dppf", 1, 0.7)};
  const auto groups = group_runs(runs);
  EXPECT_THAT(labels(groups), ElementsAre("ssgd", "dppf"));
  EXPECT_EQ(groups[1].runs, (std::vector<const ReportRun*>{&runs[1], &runs[2]}));
  const Spread spread = groups[1].spread("test_accuracy");
  EXPECT_DOUBLE_EQ(spread.mean, 0.8);
  EXPECT_EQ(spread.count, 2);
  EXPECT_EQ(groups[1].spread("seconds.total").mean, 36);
  EXPECT_EQ(groups[1].spread("seconds.total.more").count, 0);
  EXPECT_EQ(groups[1].spread("nothing").count, 0);
}

TEST(GroupRuns, WhetherItWasProbedIsNoSetting) {
  std::vector<ReportRun> runs = {test_run("ssgd", 0, 0.8), test_run("ssgd", 1, 0.8)};
  runs[1].config.emplace_back("probe", int64_t{10});
  runs[1].config.emplace_back("probe-samples", int64_t{500});
  runs[1].config.emplace_back("probe-draws", int64_t{5});
  EXPECT_EQ(group_runs(runs).size(), 1);
}

TEST(GroupRuns, LabelsSayWhatDiffersWithinAnAlgorithm) {
  const std::vector<ReportRun> runs = {
      test_run("ssgd", 0, 0.8), test_run("dppf", 0, 0.9),
      with_setting(test_run("dppf", 0, 0.9), "push", 1.0),
      with_setting(with_setting(test_run("dppf", 0, 0.9), "push", 1.0), "lr", 0.25)};
  EXPECT_THAT(labels(group_runs(runs)), ElementsAre("ssgd", "dppf lr=0.1 push=0.5",
                                                    "dppf lr=0.1 push=1", "dppf lr=0.25 push=1"));
}

TEST(GroupRuns, LabelsAreDistinctWhateverDiffers) {
  std::vector<ReportRun> runs(2, test_run("dppf", 0, 0.9));
  for (auto& run : runs) {
    for (const char* key : {"a", "b", "c", "d", "e"}) {
      run.config.emplace_back(key, int64_t{&run - runs.data()});
    }
  }
  runs.push_back(runs[1]);
  runs[2].config.back().second = int64_t{2};
  EXPECT_THAT(labels(group_runs(runs)), ElementsAre("dppf a=0 b=0 c=0 d=0", "dppf a=1 b=1 c=1 d=1",
                                                    "dppf a=1 b=1 c=1 d=1 (2)"));
}

TEST(GroupRuns, OnlyFinishedRunsCount) {
  std::vector<ReportRun> runs = {test_run("dppf", 0, 0.9), test_run("dppf", 1, 0.1)};
  runs[1].status = RunState::Kind::kInterrupted;
  const auto groups = group_runs(runs);
  EXPECT_EQ(groups[0].runs.size(), 2);
  EXPECT_EQ(groups[0].finished().size(), 1);
  EXPECT_EQ(groups[0].spread("test_accuracy").mean, 0.9);
}

TEST(UnequalTerms, NamesTaskAndBudgetButNotTheMethod) {
  const std::vector<ReportRun> equal = {test_run("ssgd", 0, 0.8),
                                        with_setting(test_run("dppf", 0, 0.9), "push", 1.0)};
  EXPECT_THAT(unequal_terms(group_runs(equal)), IsEmpty());
  const std::vector<ReportRun> unequal = {
      test_run("ssgd", 0, 0.8),
      with_setting(with_setting(test_run("dppf", 0, 0.9), "lr", 0.03), "workers", int64_t{8})};
  EXPECT_THAT(unequal_terms(group_runs(unequal)), ElementsAre("workers (4, 8)", "lr (0.1, 0.03)"));
}

}  // namespace
}  // namespace valley::groups_test
