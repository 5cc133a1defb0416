#include "valley/models/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "valley/core/error.h"

namespace valley {

OutputFile::OutputFile(std::string path) : path_(std::move(path)), temporary_(path_ + ".tmp") {
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail();
}

OutputFile::~OutputFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void OutputFile::write(const void* data, size_t bytes) {
  const char* position = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t written = ::write(descriptor_, position, bytes);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail();
    position += written;
    bytes -= static_cast<size_t>(written);
  }
}

void OutputFile::commit() {
  if (::fsync(descriptor_) != 0) fail();
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail();
  ::close(descriptor_);
  descriptor_ = -1;

  // The rename itself lasts only once the folder is on the disk. Some file systems cannot sync a
  // folder; the file is whole all the same.
  const std::string folder = (std::filesystem::path(path_).parent_path() / ".").string();
  const int handle = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle >= 0) {
    ::fsync(handle);
    ::close(handle);
  }
}

void OutputFile::fail() const {
  throw IoError(fmt::format("cannot write {}: {}", path_, std::strerror(errno)));
}

}  // namespace valley
