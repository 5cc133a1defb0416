#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace valley {

/// A whole file as memory that is the system's cache: read when somebody looks. Not to be written.
class MappedFile {
 public:
  /// @throws UsageError "cannot open PATH: REASON"; an empty file cannot be mapped.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const { return {address_, size_}; }

  /// For at::from_blob, which takes no const.
  char* at(size_t position) const { return address_ + position; }

 private:
  char* address_ = nullptr;
  size_t size_ = 0;
};

}  // namespace valley
