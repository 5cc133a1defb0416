#include "valley/record/append_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "valley/core/posix.h"

namespace valley {

AppendFile::AppendFile(std::filesystem::path path, Mode mode) : path_(std::move(path)) {
  const int exclusive = mode == Mode::kCreateNew ? O_EXCL : 0;
  file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | exclusive, 0666);
  if (file_ < 0) posix::throw_cannot_write(path_, errno);
}

AppendFile::~AppendFile() {
  if (file_ >= 0) ::close(file_);
}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)) {}

void AppendFile::append(std::string_view record) {
  const off_t end = ::lseek(file_, 0, SEEK_END);
  if (const int error = posix::write_all(file_, record)) {
    // The error to report is the one of the write; a torn part is dropped by the next reader too.
    if (end < 0 || ::ftruncate(file_, end) != 0) posix::throw_cannot_write(path_, error);
    posix::throw_cannot_write(path_, error);
  }
}

void AppendFile::sync() {
  if (const int error = posix::sync(file_)) posix::throw_cannot_write(path_, error);
}

}  // namespace valley
