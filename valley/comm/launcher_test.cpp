#include "valley/comm/launcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "valley/core/clock.h"
#include "valley/core/error.h"

namespace valley::launcher_test {
namespace {

class Launcher : public testing::Test {
 protected:
  Launcher() {
    std::string path = (std::filesystem::temp_directory_path() / "valley_comm_XXXXXX").string();
    folder_ = mkdtemp(path.data());
  }
  ~Launcher() override { std::filesystem::remove_all(folder_); }

  LaunchOptions options(int workers, const std::vector<std::string>& arguments) {
    LaunchOptions result;
    result.workers = workers;
    const bool idle = arguments.empty() || arguments[0] == "wait" || arguments[0] == "ignore" ||
                      arguments[0] == "files";
    result.command = {idle ? COMM_TEST_IDLE : COMM_TEST_WORKER, folder_};
    result.command.insert(result.command.end(), arguments.begin(), arguments.end());
    result.on_event = [this](const LaunchEvent& event) { events_.push_back(event); };
    return result;
  }

  std::string written(int rank) const {
    std::ifstream in(folder_ + "/" + std::to_string(rank));
    return {std::istreambuf_iterator<char>(in), {}};
  }

  // Waits until all workers have written something.
  void wait_until_ready(int workers) const {
    for (int rank = 0; rank < workers; ++rank) {
      while (written(rank).empty()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  std::string folder_;
  std::vector<LaunchEvent> events_;
};

TEST_F(Launcher, WorkersFindEachOther) {
  const LaunchResult result = launch_processes(options(2, {"sum"}));
  EXPECT_EQ(result.exit_code(), 0);
  EXPECT_EQ(result.first_failed, -1);
  ASSERT_EQ(result.workers.size(), 2u);
  for (int rank = 0; rank < 2; ++rank) {
    EXPECT_EQ(written(rank), "sum 3 from valley --launch processes\n");
    const WorkerExit& ended = result.workers[static_cast<size_t>(rank)];
    EXPECT_EQ(ended.rank, rank);
    EXPECT_EQ(ended.text(), fmt::format("worker {} (pid {}) finished", rank, ended.pid));
  }
  EXPECT_TRUE(events_.empty());
}

TEST_F(Launcher, WorkersWithATokenFindEachOtherAndSeeWhoDies) {
  LaunchOptions all = options(3, {"sum"});
  all.token = "the token of the job";
  EXPECT_EQ(launch_processes(all).exit_code(), 0);
  EXPECT_EQ(written(2), "sum 6 from valley --launch processes\n");
  LaunchOptions some = options(3, {"die", "1"});
  some.token = all.token;
  EXPECT_EQ(launch_processes(some).exit_code(), 3);
  EXPECT_THAT(written(2), testing::StartsWith("lost rank 1 (died with signal 9 (Killed)) in "));
  EXPECT_EQ(std::getenv("VALLEY_TOKEN"), nullptr);
}

TEST_F(Launcher, TheSurvivorsOfAKilledWorkerNameItAndItsSignal) {
  const double start = now_seconds();
  const LaunchResult result = launch_processes(options(3, {"die", "1"}));
  EXPECT_LT(now_seconds() - start, 15);
  EXPECT_EQ(result.first_failed, 1);
  EXPECT_EQ(result.exit_code(), 3);
  EXPECT_EQ(result.workers[1].text(),
            fmt::format("worker 1 (pid {}) died with signal 9 (Killed)", result.workers[1].pid));
  ASSERT_FALSE(events_.empty());
  EXPECT_EQ(std::get<WorkerExit>(events_[0]).rank, 1);
  EXPECT_EQ(std::get<WorkerExit>(events_[0]).signal, SIGKILL);
  EXPECT_EQ(text(events_[0]), result.workers[1].text());
  for (const int rank : {0, 2}) {
    EXPECT_EQ(result.workers[static_cast<size_t>(rank)].status, 3);
    EXPECT_THAT(written(rank), testing::StartsWith("lost rank 1 (died with signal 9 (Killed)) in "
                                                   "all_reduce 4 after "));
  }
}

TEST_F(Launcher, AWorkerThatLeavesWithAStatusIsNamed) {
  const LaunchResult result = launch_processes(options(2, {"fail", "0"}));
  EXPECT_EQ(result.exit_code(), 7);
  EXPECT_EQ(result.workers[0].text(),
            fmt::format("worker 0 (pid {}) exited with status 7", result.workers[0].pid));
  EXPECT_THAT(written(1),
              testing::StartsWith("lost rank 0 (exited with status 7) in all_reduce 4"));
}

TEST_F(Launcher, SignalsArePassedOnOnceAndWorkersMaySave) {
  LaunchOptions launch = options(2, {"wait"});
  std::thread sender([&] {
    wait_until_ready(2);
    kill(getpid(), SIGINT);
  });
  const LaunchResult result = launch_processes(launch);
  sender.join();
  EXPECT_EQ(result.exit_code(), 4);
  for (int rank = 0; rank < 2; ++rank) {
    EXPECT_EQ(written(rank), "ready\nsignal 2\n");
    EXPECT_EQ(result.workers[static_cast<size_t>(rank)].status, 4);
  }
  ASSERT_FALSE(events_.empty());
  EXPECT_EQ(std::get<SignalPassedOn>(events_[0]).signal, SIGINT);
  EXPECT_EQ(text(events_[0]), "signal 2 (Interrupt) passed on to the workers");
}

// Whoever is to be told may be gone, and telling him may end badly.
TEST_F(Launcher, SignalsArePassedOnBeforeAnythingIsSaid) {
  LaunchOptions launch = options(1, {"wait"});
  std::string at_that_time;
  launch.on_event = [&](const LaunchEvent& event) {
    if (!at_that_time.empty() || !std::holds_alternative<SignalPassedOn>(event)) return;
    const double deadline = now_seconds() + 30;
    while (!at_that_time.ends_with("signal 10\n") && now_seconds() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      at_that_time = written(0);
    }
  };
  std::thread sender([&] {
    wait_until_ready(1);
    kill(getpid(), SIGUSR1);
  });
  const LaunchResult result = launch_processes(launch);
  sender.join();
  EXPECT_EQ(at_that_time, "ready\nsignal 10\n");
  EXPECT_EQ(result.exit_code(), 4);
  EXPECT_TRUE(result.interrupted);
}

TEST_F(Launcher, WhoDoesNotListenIsKilled) {
  LaunchOptions launch = options(2, {"ignore"});
  launch.grace_seconds = 0.1;
  launch.kill_seconds = 0.1;
  std::thread sender([&] {
    wait_until_ready(2);
    kill(getpid(), SIGTERM);
  });
  const LaunchResult result = launch_processes(launch);
  sender.join();
  EXPECT_EQ(result.exit_code(), 3);
  for (const WorkerExit& ended : result.workers) EXPECT_EQ(ended.signal, SIGKILL);
}

TEST_F(Launcher, WhatCannotBeStartedIsSaid) {
  LaunchOptions launch = options(2, {});
  launch.command = {"/nowhere/at/all"};
  try {
    launch_processes(launch);
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "cannot start '/nowhere/at/all': No such file or directory");
  }
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
  EXPECT_EQ(errno, ECHILD);

  launch.command.clear();
  EXPECT_THROW(launch_processes(launch), UsageError);
  launch.workers = 0;
  EXPECT_THROW(launch_processes(launch), UsageError);
}

TEST_F(Launcher, WorkersDoNotInheritItsSockets) {
  EXPECT_EQ(launch_processes(options(1, {"files"})).exit_code(), 0);
  EXPECT_EQ(written(0), "");
}

// The launcher itself is a process here, and is shot.
TEST_F(Launcher, WorkersDieWithIt) {
  const pid_t launcher = fork();
  if (launcher == 0) {
    try {
      launch_processes(options(2, {"wait"}));
    } catch (...) {
    }
    _exit(0);
  }
  wait_until_ready(2);
  kill(launcher, SIGKILL);
  waitpid(launcher, nullptr, 0);
  const auto workers_alive = [&] {
    int alive = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::ifstream in(entry.path() / "cmdline");
      const std::string line{std::istreambuf_iterator<char>(in), {}};
      alive += line.find(folder_) != std::string::npos;
    }
    return alive;
  };
  const double deadline = now_seconds() + 5;
  while (workers_alive() > 0 && now_seconds() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(workers_alive(), 0);
}

}  // namespace
}  // namespace valley::launcher_test
