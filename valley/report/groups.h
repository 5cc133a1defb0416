#pragma once

#include <string>
#include <vector>

#include "valley/report/report_run.h"
#include "valley/report/statistics.h"

namespace valley {

/// Runs of one setting: they differ in nothing but seed, folder and how they were carried out.
struct RunGroup {
  std::string label;  ///< the algorithm, and what tells it from others of the same: "dppf push=1"
  std::vector<const ReportRun*> runs;

  std::vector<const ReportRun*> finished() const;

  /// Over the finished runs.
  Spread spread(std::string_view figure) const;

  /// What the scores of its runs are: they differ in seeds alone.
  const ScoreSheet& sheet() const { return runs.front()->sheet; }
};

/// What runs are compared by: the headline of the first group that has one.
ScoreInfo headline_score(const std::vector<RunGroup>& groups);

/// All scores of all groups by name, that of headline_score() first.
std::vector<ScoreInfo> all_scores(const std::vector<RunGroup>& groups);

/// In the order of their first runs. The groups point into `runs`.
std::vector<RunGroup> group_runs(const std::vector<ReportRun>& runs);

/// Settings of the task or the budget that are not the same in all groups, with their values:
/// "lr (0.03, 0.1)". Methods are compared on equal terms only if there are none.
std::vector<std::string> unequal_terms(const std::vector<RunGroup>& groups);

}  // namespace valley
