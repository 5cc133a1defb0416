#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "valley/record/append_file.h"
#include "valley/record/json_file.h"

namespace valley {

/// metrics.jsonl: what was measured, one JSON object a line, on the disk at once. Every line has a
/// checksum of its own as its last member (valley/record/json_checksum.h); lines without one are
/// taken as they are.
class MetricsWriter {
 public:
  /// Begins a file, or adds to one. @throws IoError
  explicit MetricsWriter(const std::filesystem::path& path);

  /// Goes on after a checkpoint of `step` (steps done): removes what an interrupted run recorded
  /// with a "step" beyond it, and a torn last line, so that the file ends up like that of a run
  /// that was never interrupted. Without a file it begins one. Damaged lines do not stop a run,
  /// which does not need them: they go to metrics.jsonl.damaged, and damaged_lines() says how many.
  /// @throws IoError; UsageError if no line is a JSON object.
  static MetricsWriter resume(const std::filesystem::path& path, int64_t step);

  /// Adds a line; numbers that are not finite become null.
  /// @throws IoError, and then no part of the line is left.
  void append(const Json& record);

  /// How many resume() put aside.
  int64_t damaged_lines() const { return damaged_lines_; }

  /// Makes the lines so far survive a power cut, for use before a checkpoint that counts on them.
  void sync() { file_.sync(); }

 private:
  AppendFile file_;
  int64_t damaged_lines_ = 0;
};

/// All records, without their checksums and without a torn last line.
/// @throws UsageError if the file cannot be read; DamagedFile if another line is no JSON object, or
/// not
///     what its checksum says.
std::vector<Json> read_metrics(const std::filesystem::path& path);

}  // namespace valley
