#pragma once

#include <filesystem>

namespace valley {

/// While this lives, no other process of this machine trains in the folder. It goes with the
/// process, however that ends.
class RunLock {
 public:
  /// @throws UsageError if another one does.
  explicit RunLock(const std::filesystem::path& folder);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

  /// Whether somebody trains there now; false where the file system has no locks.
  static bool held(const std::filesystem::path& folder);

 private:
  int file_;
};

}  // namespace valley
