#pragma once

#include <filesystem>
#include <string_view>

namespace valley {

/// The folder of one run, and what lies where in it.
///
///     config.toml         the resolved configuration; its presence makes the folder a run
///     metrics.jsonl       one JSON object a line
///     summary.json        the outcome
///     diverged.json       in its place, where the training left the numbers
///     trace.json          a Chrome trace of all workers
///     events.out.tfev...  TensorBoard events
///     model.safetensors   the average model
///     report.html         figures
///     checkpoints/        to go on from
class RunFolder {
 public:
  static constexpr std::string_view kConfig = "config.toml";
  static constexpr std::string_view kMetrics = "metrics.jsonl";
  static constexpr std::string_view kSummary = "summary.json";
  static constexpr std::string_view kTrace = "trace.json";
  static constexpr std::string_view kModel = "model.safetensors";
  static constexpr std::string_view kReport = "report.html";
  static constexpr std::string_view kCheckpoints = "checkpoints";

  /// Makes the folder and its parents, for a new run. Called by one worker only.
  /// @throws UsageError if it already holds a run, or cannot be made or written to.
  static RunFolder create(const std::filesystem::path& path);

  /// The folder of a run that exists, to go on with it or to read it.
  /// @throws UsageError if there is none.
  static RunFolder open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path file(std::string_view name) const { return path_ / name; }

  /// Asks the disk by creating a file, since permission bits do not tell all (read-only mounts,
  /// quotas, root). @throws UsageError "OPTION PATH cannot be written: REASON".
  void require_writable(std::string_view option) const;

  /// As valley::write_atomically, for a file of this folder. @throws IoError
  void write_atomically(std::string_view name, std::string_view content) const;

 private:
  explicit RunFolder(std::filesystem::path path);

  std::filesystem::path path_;
};

}  // namespace valley
