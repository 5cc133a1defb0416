#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "valley/record/config_file.h"
#include "valley/train/run_config.h"

namespace valley {

/// One run of a grid.
struct GridRun {
  std::string name;            ///< "lr=0.1,batch-size=16": what is its own, fit for a folder's name
  std::vector<int64_t> place;  ///< which value of every axis
  RunConfig config;
};

/// Every combination of the axes' values on top of `shared`; the last axis changes fastest.
/// `source` is named in errors. @throws UsageError for what apply_config() refuses, for settings
///     that check() refuses together (with the run's name), for an axis that cannot
///     vary (where a run is written, how it is started), and for two runs of one name.
std::vector<GridRun> expand_grid(const RunConfig& shared, const std::vector<ConfigAxis>& axes,
                                 const std::string& source);

}  // namespace valley
