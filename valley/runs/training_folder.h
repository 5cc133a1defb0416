#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "valley/record/run_lock.h"
#include "valley/train/run_config.h"

namespace valley {

/// The run folder config.out while this process trains there, or has it trained by others: nobody
/// else does meanwhile.
class TrainingFolder {
 public:
  /// Writes config.toml of a new run, and a copy of the TorchScript file that it trains, if it
  /// trains one; to a resumed one config.toml, if the configuration is not what it says.
  /// @throws UsageError if config.out already holds a run (a new one), is in use, or cannot be
  ///     written; nothing is left then.
  /// With `extend` what config.toml said before, and the summary, go to extended.json.
  TrainingFolder(const RunConfig& config, bool resume, bool extend = false);

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

}  // namespace valley
