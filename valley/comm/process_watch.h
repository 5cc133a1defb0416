#pragma once

#include <string>
#include <vector>

namespace valley {

/// Sees that other workers' processes have ended, where they are processes of this machine.
class ProcessWatch {
 public:
  /// What tells this process to the others, one line; "" if it is not known.
  static std::string own_place();

  /// `places`: those of all workers, by rank; `self`: this one's rank.
  ProcessWatch(const std::vector<std::string>& places, int self);
  ~ProcessWatch();
  ProcessWatch(const ProcessWatch&) = delete;
  ProcessWatch& operator=(const ProcessWatch&) = delete;

  /// Whether that worker's process has ended; false where nobody knows.
  bool has_ended(int rank) const;

 private:
  std::vector<int> files_;  // by rank, of the kernel's for its process; -1: none
};

}  // namespace valley
