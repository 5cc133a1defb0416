#pragma once

#include <filesystem>
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

/// The run folder config.out while this process trains there, or has it trained by others: nobody
/// else does meanwhile.
class TrainingFolder {
 public:
  /// Writes config.toml of a new run, and a copy of the TorchScript file that it trains, if it
  /// trains one; to a resumed one config.toml, if the configuration is not what it says.
  /// @throws UsageError if config.out already holds a run (a new one), is in use, or cannot be
  ///     written; nothing is left then.
  TrainingFolder(const RunConfig& config, bool resume);

  /// For a run that is refused before its first step: a new folder goes again, with the folders
  /// around it that were made for it, so that the corrected command finds what the first one found.
  /// A resumed run stays as it is.
  void withdraw() const;

 private:
  std::filesystem::path path_;
  std::vector<std::filesystem::path> made_;  // folders, the innermost first
  bool new_;
  std::unique_ptr<RunLock> lock_;
};

/// The summary of the run in this folder, if it came to its end and the summary is whole.
std::optional<Summary> finished_run(const std::string& out);

/// To go on with a run writes a summary that was damaged anew; says so on the standard error, if
/// that is the case here.
void mention_damaged_summary(const std::string& out);

/// @throws UsageError under a launcher, for a command that starts its own workers.
void require_no_launcher(const std::string& command);

/// A bar on the standard error, or none.
std::unique_ptr<Progress> progress_unless(bool quiet);

/// The first setting that bears on the outcome and differs: "lr = 0.1, not 0.2"; "" if none does.
/// Keys in `but` may differ.
std::string first_difference(const RunConfig& recorded, const RunConfig& given,
                             const std::vector<std::string>& but = {});

/// A folder left by an earlier call may only be used if it answers the same question.
/// @throws UsageError if config.out holds a run that differs in a setting that bears on the
/// outcome.
void require_same_settings(const RunConfig& config);

/// One run of several.
struct NamedRun {
  std::string name;
  RunConfig config;
};

/// What only data and a rehearsal show to be wrong with runs that are still to be trained: else a
/// later one would be refused after hours of earlier ones. Each combination of data, model and
/// batches is tried once. @throws UsageError "NAME: ..."
void require_trainable(const std::vector<NamedRun>& runs);

/// Trains one run of several that are told apart by `title`: a finished one is not trained again,
/// one that was interrupted goes on. Signals stop it: its summary then says "interrupted".
Summary train_or_resume(const RunConfig& given, const std::string& title, bool quiet);

/// runs/ALGORITHM-MODEL-seedSEED, with -2, -3, ... where that exists.
std::string default_out(const RunConfig& config);

}  // namespace valley::app
