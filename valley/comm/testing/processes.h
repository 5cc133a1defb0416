#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace valley {

inline int free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  bind(fd, reinterpret_cast<sockaddr*>(&address), length);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  close(fd);
  return ntohs(address.sin_port);
}

/// Workers that are processes, see testing/worker.cpp, with nobody to watch them; rank 0 hosts the
/// store.
class Processes : public testing::Test {
 protected:
  Processes() {
    std::string path = (std::filesystem::temp_directory_path() / "valley_comm_XXXXXX").string();
    folder_ = mkdtemp(path.data());
  }
  ~Processes() override { std::filesystem::remove_all(folder_); }

  /// Runs them over that backend to their end and returns how they ended, as waitpid says.
  std::vector<int> run(const std::string& backend, int workers, const std::string& mode,
                       int culprit, double timeout = 10) {
    const std::string port = std::to_string(free_port()), size = std::to_string(workers);
    const std::string who = std::to_string(culprit), wait = std::to_string(timeout);
    std::vector<pid_t> pids;
    for (int rank = 0; rank < workers; ++rank) {
      const std::string self = std::to_string(rank);
      const pid_t pid = fork();
      if (pid == 0) {
        setenv("RANK", self.c_str(), 1);
        setenv("WORLD_SIZE", size.c_str(), 1);
        setenv("MASTER_PORT", port.c_str(), 1);
        setenv("TEST_BACKEND", backend.c_str(), 1);
        setenv("TEST_TIMEOUT", wait.c_str(), 1);
        execl(COMM_TEST_WORKER, COMM_TEST_WORKER, folder_.c_str(), mode.c_str(), who.c_str(),
              nullptr);
        _exit(127);
      }
      pids.push_back(pid);
    }
    std::vector<int> statuses(pids.size());
    for (size_t i = 0; i < pids.size(); ++i) waitpid(pids[i], &statuses[i], 0);
    return statuses;
  }

  std::string written(int rank) const {
    std::ifstream in(folder_ + "/" + std::to_string(rank));
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::string folder_;
};

}  // namespace valley
