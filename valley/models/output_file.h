#pragma once

#include <cstddef>
#include <string>

namespace valley {

/// A file that appears whole or not at all: written to PATH.tmp, then fsync, rename over PATH and
/// fsync of the folder. Until commit() returns, a previous PATH stays as it was; without commit()
/// the temporary file is removed.
///
/// @throws IoError "cannot write PATH: No space left on device".
class OutputFile {
 public:
  explicit OutputFile(std::string path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(const void* data, size_t bytes);
  void commit();

 private:
  [[noreturn]] void fail() const;  // with errno

  std::string path_, temporary_;
  int descriptor_ = -1;
};

}  // namespace valley
