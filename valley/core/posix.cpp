#include "valley/core/posix.h"

#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "valley/core/error.h"

namespace valley::posix {

int write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

int sync(int file) {
  while (::fsync(file) != 0) {
    if (errno == EINTR) continue;
    // Pipes, devices and some network file systems have nothing to sync.
    return errno == EINVAL || errno == ENOTSUP ? 0 : errno;
  }
  return 0;
}

void throw_cannot_write(const std::filesystem::path& path, int error) {
  throw IoError(
      fmt::format("cannot write {}: {}", path.string(), std::generic_category().message(error)));
}

}  // namespace valley::posix
