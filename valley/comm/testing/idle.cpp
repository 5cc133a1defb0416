// A process for the tests of the launcher, which starts at once (no LibTorch):
// comm_test_idle FOLDER MODE writes into FOLDER/$RANK.
//
//   wait     waits for SIGINT, SIGTERM or SIGUSR1, writes "signal N", ends with 4
//   ignore   ignores SIGTERM, waits
//   files    writes which sockets it has inherited
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace {

volatile std::sig_atomic_t caught = 0;

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3 || !std::getenv("RANK")) return 2;
  alarm(60);  // whatever goes wrong, no process is left behind
  const std::string mode = argv[2];
  if (mode == "wait" || mode == "ignore") {
    signal(SIGINT, [](int number) { caught = number; });
    signal(SIGUSR1, [](int number) { caught = number; });
    signal(
        SIGTERM, mode == "ignore" ? SIG_IGN : [](int number) { caught = number; });
  }
  std::ofstream out(std::string(argv[1]) + "/" + std::getenv("RANK"));

  if (mode == "files") {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code error;
      const auto target = std::filesystem::read_symlink(entry.path(), error);
      if (!error && target.string().rfind("socket:", 0) == 0) out << target << "\n";
    }
    return 0;
  }
  out << "ready" << std::endl;
  while (!caught) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  out << "signal " << caught << std::endl;
  return 4;
}
