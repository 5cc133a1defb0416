#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "valley/comm/gloo.h"
#include "valley/comm/group.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"

namespace valley::gloo_communicator_test {
namespace {

int free_port() {
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

// Workers that are processes, with nobody to watch them; rank 0 hosts the store.
class Processes : public testing::Test {
 protected:
  Processes() {
    std::string path = (std::filesystem::temp_directory_path() / "valley_comm_XXXXXX").string();
    folder_ = mkdtemp(path.data());
  }
  ~Processes() override { std::filesystem::remove_all(folder_); }

  // Runs them to their end and returns how they ended, as waitpid says.
  std::vector<int> run(int workers, const std::string& mode, int culprit, double timeout = 10) {
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

TEST_F(Processes, SumTheirRanks) {
  EXPECT_THAT(run(2, "sum", -1), testing::Each(0));
  for (int rank = 0; rank < 2; ++rank) {
    EXPECT_EQ(written(rank), "sum 3 from environment (RANK, WORLD_SIZE)\n");
  }
}

TEST_F(Processes, SurvivorsNameTheKilledOne) {
  const auto statuses = run(3, "die", 2);
  EXPECT_TRUE(WIFSIGNALED(statuses[2]));
  for (const int rank : {0, 1}) {
    EXPECT_EQ(WEXITSTATUS(statuses[static_cast<size_t>(rank)]), 3);
    EXPECT_THAT(written(rank), testing::MatchesRegex("lost rank 2 \\(connection closed\\) in "
                                                     "all_reduce [34] after [0-9.]+ s\n"));
  }
}

TEST_F(Processes, SumInPartsAndNameTheOneKilledInAPart) {
  const auto statuses = run(4, "part", 3);
  EXPECT_TRUE(WIFSIGNALED(statuses[3]));
  EXPECT_EQ(written(3), "sum 3 of 10\n");
  for (const int rank : {0, 1, 2}) {
    EXPECT_EQ(WEXITSTATUS(statuses[static_cast<size_t>(rank)]), 3);
    EXPECT_THAT(written(rank), testing::MatchesRegex(fmt::format(
                                   "sum 3 of 10\nlost rank 3 \\(connection closed\\) in "
                                   "{} after [0-9.]+ s\n",
                                   rank == 1 ? "all_reduce 2" : "barrier 3")));
  }
}

TEST_F(Processes, SurvivorsNameTheHostOfTheStoreToo) {
  const auto statuses = run(3, "die", 0);
  EXPECT_TRUE(WIFSIGNALED(statuses[0]));
  for (const int rank : {1, 2}) {
    EXPECT_EQ(WEXITSTATUS(statuses[static_cast<size_t>(rank)]), 3);
    EXPECT_THAT(written(rank),
                testing::MatchesRegex("lost rank 0 \\(connection closed, its store is gone\\) in "
                                      "all_reduce [34] after [0-9.]+ s\n"));
  }
}

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "nothing";
}

TEST(Gloo, WorkersThatDoNotJoinAreNamed) {
  const auto store = make_hash_store();
  JoinOptions options{.rank = 1, .size = 4};
  options.timeout_seconds = 0.3;
  EXPECT_THAT(error_of([&] { make_gloo(options, store); }),
              testing::MatchesRegex("ranks 0, 2, 3 did not join within 0\\.[3-5] s"));

  options.size = 2;
  EXPECT_THAT(error_of([&] { make_gloo(options, make_hash_store()); }),
              testing::MatchesRegex("rank 0 did not join within 0\\.[3-5] s"));
}

TEST(Gloo, AStoreThatIsNotThereIsNamed) {
  const int port = free_port();
  JoinOptions options{.rank = 1, .size = 2};
  options.master_port = port;
  options.timeout_seconds = 0.3;
  EXPECT_THAT(error_of([&] { make_gloo(options); }),
              testing::MatchesRegex(
                  fmt::format("nobody listens at 127.0.0.1:{} \\(MASTER_ADDR:MASTER_PORT\\) after "
                              "0\\.[3-9] s: Connection refused",
                              port)));
}

TEST(Gloo, AMasterThatCannotBeResolvedIsNamed) {
  for (const int rank : {0, 1}) {
    JoinOptions options{.rank = rank, .size = 2, .master_address = "nobody.invalid"};
    options.timeout_seconds = 0.3;
    testing::internal::CaptureStderr();
    EXPECT_THAT(error_of([&] { make_gloo(options); }),
                testing::MatchesRegex("cannot resolve 'nobody.invalid' \\(MASTER_ADDR\\) after "
                                      "[0-9.]+ s: .+"));
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "") << "c10d has its own way to say it";
  }
}

TEST(Gloo, AnInterfaceThatIsNotThereIsRefusedBeforeAnybodyWaits) {
  JoinOptions options{.rank = 1, .size = 2};
  options.interface = "none0";
  options.interface_from = "--interface none0";
  EXPECT_THAT(error_of([&] { make_gloo(options); }),
              testing::StartsWith("--interface none0: no such network interface"));
}

TEST(Gloo, APortThatIsTakenIsNamed) {
  const TcpStore taken = open_tcp_store({.port = 0, .server = true});
  JoinOptions options{.rank = 0, .size = 2};
  options.master_port = taken.port;
  options.timeout_seconds = 0.3;
  EXPECT_EQ(error_of([&] { make_gloo(options); }),
            fmt::format("cannot host the store at 127.0.0.1:{}: the port is taken", taken.port));
}

TEST(Gloo, RefusesWhatCannotBe) {
  EXPECT_EQ(error_of([] { make_gloo(JoinOptions{.rank = 0, .size = 0}); }),
            "size must be at least 1, got 0");
  EXPECT_EQ(error_of([] { make_gloo(JoinOptions{.rank = 2, .size = 2}); }),
            "rank must be in [0, 2), got 2");
  JoinOptions options{.rank = 0, .size = 2};
  options.timeout_seconds = 0;
  EXPECT_EQ(error_of([&] { make_gloo(options); }), "the timeout must be > 0 seconds, got 0");
}

TEST(Gloo, OneWorkerNeedsNoConnection) { EXPECT_EQ(make_gloo(JoinOptions{})->backend(), "solo"); }

TEST(Stores, KeepTheFirstValueWhereAsked) {
  const TcpStore tcp = open_tcp_store({.port = 0, .server = true, .prefix = "/run/1"});
  for (const auto& store : {make_hash_store(), tcp.store}) {
    EXPECT_FALSE(store->get("a"));
    store->set("a", "1");
    EXPECT_EQ(store->get("a"), "1");
    EXPECT_EQ(store->set_if_absent("a", "2"), "1");
    EXPECT_EQ(store->set_if_absent("b", "2"), "2");
    EXPECT_TRUE(store->wait("b", 0));
    EXPECT_FALSE(store->wait("c", 0.05));
  }
}

TEST(Stores, AHostThatIsGoneIsNamed) {
  TcpStore host = open_tcp_store({.port = 0, .server = true});
  const TcpStore client = open_tcp_store({.port = host.port});
  client.store->set("a", "1");
  EXPECT_EQ(host.store->get("a"), "1");
  host.store.reset();
  EXPECT_EQ(error_of([&] {
              for (int i = 0; i < 3; ++i) client.store->set("a", "2");
            }),
            fmt::format("the store at 127.0.0.1:{} is gone", client.port));
}

}  // namespace
}  // namespace valley::gloo_communicator_test
