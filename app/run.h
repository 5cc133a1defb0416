#pragma once

#include "valley/data/dataset.h"
#include "valley/train/job.h"

namespace valley::app {

/// Trains with config.workers workers that are threads of this process, and returns the summary.
/// The run folder exists.
Summary run_in_threads(const RunConfig& config, const DataSplits& data, const JobContext& context);

/// Writes config.toml of a new run. @throws UsageError if config.out already holds a run or cannot
/// be written.
void make_run_folder(const RunConfig& config);

/// runs/ALGORITHM-MODEL-seedSEED, with -2, -3, ... where that exists.
std::string default_out(const RunConfig& config);

}  // namespace valley::app
