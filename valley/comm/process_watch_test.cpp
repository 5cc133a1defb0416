#include "valley/comm/process_watch.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace valley::process_watch_test {
namespace {

TEST(ProcessWatch, SeesThatAProcessOfThisMachineHasEnded) {
  const std::string self = ProcessWatch::own_place();
  ASSERT_TRUE(self.ends_with(" " + std::to_string(getpid()))) << self;
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  const std::string here = self.substr(0, self.find(' ') + 1);
  const std::string number = std::to_string(child);
  const ProcessWatch watch({self, here + number, "elsewhere " + number, ""}, 0);
  EXPECT_FALSE(watch.has_ended(1));
  kill(child, SIGKILL);
  siginfo_t info;
  waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);  // and it is not collected
  EXPECT_TRUE(watch.has_ended(1));
  for (const int rank : {0, 2, 3}) EXPECT_FALSE(watch.has_ended(rank));
  waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace valley::process_watch_test
