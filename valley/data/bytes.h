#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

struct gzFile_s;  // of zlib

namespace valley {

/// Throws the UsageError every data file shares unless `path` is a readable, ordinary, non-empty
/// file; `remedy` closes the "is missing" text.
void require_data_file(const std::filesystem::path& path, const std::string& remedy);

/// Throws UsageError if `folder` exists but is no folder: "/x is a file; cifar10:PATH takes the
/// folder that holds data_batch_1.bin". A missing folder passes: the file's own error says more.
void require_folder(const std::filesystem::path& folder, const std::string& usage,
                    const std::string& file);

/// A file read from front to back, gzipped or not (the content decides, not the name).
///
/// Memory follows the bytes that are there, never a size the file claims.
class ByteReader {
 public:
  /// @throws UsageError if the file cannot be opened.
  explicit ByteReader(const std::filesystem::path& path);
  ~ByteReader();
  ByteReader(const ByteReader&) = delete;
  ByteReader& operator=(const ByteReader&) = delete;

  /// Up to `count` bytes, fewer where the file ends or is cut short.
  /// @throws UsageError if the compressed content is corrupt.
  std::vector<uint8_t> read(int64_t count);

  /// Reads on to the end and returns how many bytes that were.
  /// @throws UsageError if the compressed content is corrupt or does not end.
  int64_t skip_to_end();

 private:
  int64_t read_some(uint8_t* to, int64_t count);

  std::filesystem::path path_;
  gzFile_s* file_;
  bool cut_ = false;
};

}  // namespace valley
