#pragma once

#include <string>
#include <vector>

#include "valley/train/summary.h"

namespace valley::app {

/// One run, a line a figure, and what a person must know of them.
std::string summary_table(const Summary& summary);

/// The runs of one algorithm in a comparison: a run a seed.
struct ComparisonRow {
  std::string label;
  std::vector<Summary> runs;
};

/// One line an algorithm: mean ± standard deviation (n - 1) over the seeds; below it a line for
/// every run that ended worse than it began, or at chance level.
std::string comparison_table(const std::vector<ComparisonRow>& rows);

double mean_of(const std::vector<double>& values);
/// The sample standard deviation (n - 1); 0 for one value.
double deviation_of(const std::vector<double>& values);

}  // namespace valley::app
