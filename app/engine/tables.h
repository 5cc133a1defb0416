#pragma once

#include <string>
#include <vector>

#include "valley/study/comparison.h"
#include "valley/train/summary.h"

namespace valley::app {

/// One run, a line a figure, and what a person must know of them.
std::string summary_table(const Summary& summary);

/// One line an algorithm: mean ± standard deviation (n - 1) over the seeds; below it a line for
/// every run that ended worse than it began, or at chance level.
std::string comparison_table(const std::vector<ComparisonRow>& rows);

}  // namespace valley::app
