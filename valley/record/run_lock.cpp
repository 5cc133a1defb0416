#include "valley/record/run_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "valley/core/error.h"

namespace valley {
namespace {

int open_folder(const std::filesystem::path& folder) {
  return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

}  // namespace

RunLock::RunLock(const std::filesystem::path& folder) : file_(open_folder(folder)) {
  // Any other failure is that of a file system without locks, where nobody can know.
  if (file_ < 0 || ::flock(file_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  ::close(file_);
  throw UsageError(fmt::format("{} is in use: another process is training there", folder.string()));
}

RunLock::~RunLock() {
  if (file_ >= 0) ::close(file_);
}

bool RunLock::held(const std::filesystem::path& folder) {
  const int file = open_folder(folder);
  if (file < 0) return false;
  // Shared, so that several may ask at a time.
  const bool held = ::flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(file);
  return held;
}

}  // namespace valley
