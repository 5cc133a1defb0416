#include "valley/comm/process_watch.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace valley {

// A machine since its start, and in it a space of process numbers: that of a container.
std::string ProcessWatch::own_place() {
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  std::error_code error;
  const auto space = std::filesystem::read_symlink("/proc/self/ns/pid", error);
  if (boot.empty() || error) return "";
  return boot + "," + space.string() + " " + std::to_string(getpid());
}

ProcessWatch::ProcessWatch(const std::vector<std::string>& places, int self)
    : files_(places.size(), -1) {
  const auto machine = [](const std::string& place) { return place.substr(0, place.find(' ')); };
  for (size_t rank = 0; rank < places.size(); ++rank) {
    const std::string& place = places[rank];
    if (rank == static_cast<size_t>(self) || place.empty() ||
        machine(place) != machine(places[static_cast<size_t>(self)]))
      continue;
    const int process = std::atoi(place.substr(place.find(' ') + 1).c_str());
    files_[rank] = static_cast<int>(syscall(SYS_pidfd_open, process, 0));
  }
}

ProcessWatch::~ProcessWatch() {
  for (const int file : files_) {
    if (file >= 0) close(file);
  }
}

bool ProcessWatch::has_ended(int rank) const {
  pollfd file{files_[static_cast<size_t>(rank)], POLLIN, 0};
  return file.fd >= 0 && poll(&file, 1, 0) == 1 && (file.revents & POLLIN) != 0;
}

}  // namespace valley
