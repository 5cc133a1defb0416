#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "valley/runs/train_run.h"

/// Methods side by side, on one budget.
namespace valley {

/// One method of a comparison: a run a seed.
struct Method {
  std::string label;
  std::vector<RunConfig> runs;
};

/// What came of it.
struct ComparisonRow {
  std::string label;
  std::vector<Summary> runs;
};

/// Trains what is not there yet; nothing if one was interrupted. `train` is how.
/// @throws what a training throws
std::optional<std::vector<ComparisonRow>> compare_methods(
    const std::vector<Method>& methods,
    const std::function<Summary(const RunConfig& config, const std::string& title)>& train =
        [](const RunConfig& config, const std::string& title) {
          return train_or_resume(config, title);
        });

/// All of them, for require_trainable().
std::vector<NamedRun> named_runs(const std::vector<Method>& methods);

/// What compare.json holds: of each method the runs, and mean and standard deviation of their
/// numbers.
Json to_json(const std::vector<ComparisonRow>& rows);

double mean_of(const std::vector<double>& values);
/// The sample standard deviation (n - 1); 0 for one value.
double deviation_of(const std::vector<double>& values);

}  // namespace valley
