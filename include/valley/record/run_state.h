#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "valley/record/run_folder.h"

namespace valley {

/// How a run came to its end, or that it did not.
struct RunState {
  enum class Kind {
    kFinished,
    kInterrupted,  ///< on demand, with a checkpoint
    kDiverged,     ///< a loss or weight was not finite
    kRunning,      ///< a process of this machine trains there now
    kBrokenOff,    ///< none of these: killed, or a worker or the disk failed
    kDamaged,      ///< summary.json cannot be read, so nobody knows
  };
  Kind kind = Kind::kFinished;
  /// Of a divergence: "the loss is nan at step 8 on worker 1", "" where that cannot be read. Of
  /// damage: what is wrong with the file, and what to do.
  std::string reason;

  bool finished() const { return kind == Kind::kFinished; }
};

/// "finished", "interrupted", "diverged", "running", "broken off", "damaged".
std::string_view name(RunState::Kind kind);

/// The inverse, of those that a summary may hold: finished and interrupted.
/// @throws UsageError for another text.
RunState::Kind parse_status(const std::string& text);

/// From summary.json, diverged.json and RunLock.
RunState run_state(const RunFolder& folder);

/// Leaves diverged.json for run_state(), as worker `worker` of several that may do so at once.
/// `error` is what Diverged says; its first part, up to a semicolon, is the reason. A disk that
/// does not take it is no error here: what went wrong is the divergence.
void note_divergence(const std::filesystem::path& folder, int worker, const std::string& error);

/// For a run that goes on, or begins anew.
void forget_divergence(const std::filesystem::path& folder);

}  // namespace valley
