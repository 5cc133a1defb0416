#include "valley/core/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "valley/core/error.h"
#include "valley/core/posix.h"

namespace valley {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 16;

// A rename is durable only when the folder is. Returns 0 or the errno.
int sync_folder(const std::filesystem::path& folder) {
  const int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return errno;
  const int error = posix::sync(file);
  ::close(file);
  return error;
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path path)
    : path_(std::move(path)), temporary_(path_.string() + ".tmp") {
  file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file_ < 0) posix::throw_cannot_write(path_, errno);
}

AtomicFile::~AtomicFile() {
  if (file_ < 0) return;
  ::close(file_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::fail(int error) {
  if (file_ >= 0) ::close(std::exchange(file_, -1));
  ::unlink(temporary_.c_str());
  posix::throw_cannot_write(path_, error);
}

void AtomicFile::flush() {
  if (const int error = posix::write_all(file_, buffer_)) fail(error);
  buffer_.clear();
}

void AtomicFile::write(const void* data, size_t size) {
  const std::string_view bytes(static_cast<const char*>(data), size);
  if (buffer_.size() + size > kBufferBytes) flush();
  if (size < kBufferBytes) {
    buffer_ += bytes;
  } else if (const int error = posix::write_all(file_, bytes)) {
    fail(error);
  }
}

void AtomicFile::commit() {
  flush();
  if (const int error = posix::sync(file_)) fail(error);
  if (::close(std::exchange(file_, -1)) != 0 && errno != EINTR) fail(errno);
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail(errno);

  const auto folder = path_.parent_path();
  if (const int error = sync_folder(folder.empty() ? "." : folder))
    posix::throw_cannot_write(path_, error);
}

void write_atomically(const std::filesystem::path& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

std::string read_file(const std::filesystem::path& path) {
  const auto fail = [&](int error) {
    throw UsageError(
        fmt::format("cannot read {}: {}", path.string(), std::generic_category().message(error)));
  };
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) fail(errno);
  std::string content;
  std::string block(kBufferBytes, '\0');
  while (const ssize_t count = ::read(file, block.data(), block.size())) {
    if (count > 0) {
      content.append(block, 0, static_cast<size_t>(count));
    } else if (errno != EINTR) {
      const int error = errno;
      ::close(file);
      fail(error);
    }
  }
  ::close(file);
  return content;
}

}  // namespace valley
