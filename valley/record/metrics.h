#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "valley/record/append_file.h"
#include "valley/record/json_file.h"

namespace valley {

/// metrics.jsonl: what was measured, one JSON object a line, on the disk at once.
class MetricsWriter {
 public:
  /// Begins a file, or adds to one. @throws IoError
  explicit MetricsWriter(const std::filesystem::path& path);

  /// Goes on after a checkpoint of `step` (steps done): removes what an interrupted run recorded
  /// with a "step" beyond it, and a torn last line, so that the file ends up like that of a run
  /// that was never interrupted. Without a file it begins one.
  /// @throws IoError; UsageError if a line is no JSON object.
  static MetricsWriter resume(const std::filesystem::path& path, int64_t step);

  /// Adds a line; numbers that are not finite become null.
  /// @throws IoError, and then no part of the line is left.
  void append(const Json& record);

  /// Makes the lines so far survive a power cut, for use before a checkpoint that counts on them.
  void sync() { file_.sync(); }

 private:
  AppendFile file_;
};

/// All records, without a torn last line.
/// @throws UsageError if the file cannot be read or another line is no JSON object.
std::vector<Json> read_metrics(const std::filesystem::path& path);

}  // namespace valley
