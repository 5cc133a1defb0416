#pragma once

#include <filesystem>
#include <string_view>

namespace valley {

/// A file that only grows, by whole records: a record that does not fit on the disk leaves no torn
/// part behind. Nothing is buffered, so another program can follow the file.
///
/// Every member throws IoError with the path and the system's reason.
class AppendFile {
 public:
  enum class Mode {
    kAppend,    ///< opens or creates
    kCreateNew  ///< the file must not exist yet
  };

  explicit AppendFile(std::filesystem::path path, Mode mode = Mode::kAppend);
  ~AppendFile();
  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&&) = delete;

  void append(std::string_view record);

  /// Makes everything so far durable (fsync).
  void sync();

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int file_ = -1;
};

}  // namespace valley
