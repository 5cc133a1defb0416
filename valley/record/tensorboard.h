#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

#include "valley/record/append_file.h"

namespace valley {

/// Scalars for TensorBoard: `tensorboard --logdir FOLDER`.
///
/// The file is a row of TFRecords, each an Event message of TensorFlow's event.proto:
///
///     length (8 bytes)  masked CRC of it (4)  message  masked CRC of it (4)     little-endian
class TensorBoardWriter {
 public:
  /// Begins a new file "events.out.tfevents.<time>.<host>.<process>.<number>" in `folder`.
  /// `purge_step`: at resume, the first step to be recorded again; TensorBoard then hides what the
  /// files of the interrupted run hold from there on.
  /// @throws IoError
  explicit TensorBoardWriter(const std::filesystem::path& folder,
                             std::optional<int64_t> purge_step = std::nullopt);

  /// Adds one point of the curve `tag`, on the disk at once. @throws IoError
  void scalar(std::string_view tag, int64_t step, double value);

  const std::filesystem::path& path() const { return file_.path(); }

 private:
  void write_event(std::string_view fields);

  AppendFile file_;
};

}  // namespace valley
