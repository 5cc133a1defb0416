#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "valley/data/dataset.h"
#include "valley/record/progress.h"
#include "valley/record/run_lock.h"
#include "valley/train/job.h"

namespace valley::app {

/// Trains with config.workers workers that are threads of this process, and returns the summary.
/// The run folder exists.
Summary run_in_threads(const RunConfig& config, const DataSplits& data, const JobContext& context);

/// Writes config.toml of a new run; to a resumed one, if the configuration is not what it says.
/// @throws UsageError if config.out already holds a run (a new one), is in use, or cannot be
/// written.
[[nodiscard]] std::unique_ptr<RunLock> prepare_run_folder(const RunConfig& config, bool resume);

/// The summary of the run in this folder, if it came to its end.
std::optional<Summary> finished_run(const std::string& out);

/// @throws UsageError under a launcher, for a command that starts its own workers.
void require_no_launcher(const std::string& command);

/// A bar on the standard error, or none.
std::unique_ptr<Progress> progress_unless(bool quiet);

/// The first setting that bears on the outcome and differs: "lr = 0.1, not 0.2"; "" if none does.
/// Keys in `but` may differ.
std::string first_difference(const RunConfig& there, const RunConfig& config,
                             const std::vector<std::string>& but = {});

/// A folder left by an earlier call may only be used if it answers the same question.
/// @throws UsageError if config.out holds a run that differs in a setting that bears on the
/// outcome.
void require_same_settings(const RunConfig& config);

/// Trains one run of several that are told apart by `title`: a finished one is not trained again,
/// one that was interrupted goes on. Signals stop it: its summary then says "interrupted".
Summary train_or_resume(const RunConfig& config, const std::string& title, bool quiet);

/// runs/ALGORITHM-MODEL-seedSEED, with -2, -3, ... where that exists.
std::string default_out(const RunConfig& config);

}  // namespace valley::app
