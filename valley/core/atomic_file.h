#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace valley {

/// A file that appears whole or not at all.
///
///     AtomicFile file(folder / "worker_0.bin");
///     file.write(data, size);
///     file.commit();
///
/// The bytes go to "<path>.tmp" beside it; commit() makes them durable (fsync), renames, and makes
/// the name durable (fsync of the folder). Until then the previous file stays as it was, after a
/// failure as well; without commit() the temporary file is removed again. One writer per path.
///
/// Every member throws IoError with the path and the system's reason: "cannot write runs/a/x:
/// No space left on device".
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, size_t size);
  void write(std::string_view text) { write(text.data(), text.size()); }
  void commit();

 private:
  void flush();
  [[noreturn]] void fail(int error);

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int file_ = -1;
  std::string buffer_;  // small writes, together
};

/// Writes `content` to `path` with an AtomicFile.
void write_atomically(const std::filesystem::path& path, std::string_view content);

/// The whole file. @throws UsageError "cannot read PATH: REASON".
std::string read_file(const std::filesystem::path& path);

}  // namespace valley
