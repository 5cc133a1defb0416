#include <ATen/ops/empty_like.h>
#include <ATen/ops/ones.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <thread>

#include "valley/comm/backends.h"
#include "valley/comm/clock_offset.h"
#include "valley/comm/gloo.h"
#include "valley/comm/group.h"
#include "valley/comm/testing/processes.h"
#include "valley/comm/traffic.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"

namespace valley::gloo_communicator_test {
namespace {

class GlooProcesses : public Processes {};

TEST_F(GlooProcesses, SumTheirRanks) {
  EXPECT_THAT(run("gloo", 2, "sum", -1), testing::Each(0));
  for (int rank = 0; rank < 2; ++rank) {
    EXPECT_EQ(written(rank), "sum 3 from environment (RANK, WORLD_SIZE)\n");
  }
}

TEST_F(GlooProcesses, SurvivorsNameTheKilledOne) {
  const auto statuses = run("gloo", 3, "die", 2);
  EXPECT_TRUE(WIFSIGNALED(statuses[2]));
  for (const int rank : {0, 1}) {
    EXPECT_EQ(WEXITSTATUS(statuses[static_cast<size_t>(rank)]), 3);
    EXPECT_THAT(written(rank), testing::MatchesRegex("lost rank 2 \\(connection closed\\) in "
                                                     "all_reduce [34] after [0-9.]+ s\n"));
  }
}

TEST_F(GlooProcesses, SumInPartsAndNameTheOneKilledInAPart) {
  const auto statuses = run("gloo", 4, "part", 3);
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

TEST_F(GlooProcesses, SurvivorsNameTheHostOfTheStoreToo) {
  const auto statuses = run("gloo", 3, "die", 0);
  EXPECT_TRUE(WIFSIGNALED(statuses[0]));
  for (const int rank : {1, 2}) {
    EXPECT_EQ(WEXITSTATUS(statuses[static_cast<size_t>(rank)]), 3);
    EXPECT_THAT(written(rank),
                testing::MatchesRegex("lost rank 0 \\(connection closed, its store is gone\\) in "
                                      "all_reduce [34] after [0-9.]+ s\n"));
  }
}

// With M workers of d bytes each, how much a worker sends: by operation, and over the wire.
TEST(GlooTraffic, IsThePayloadTimesTheFactorOfTheOperation) {
  constexpr int kWorkers = 4;
  constexpr double kBytes = 4e6;
  run_group(find_backend("gloo"), kWorkers, [&](Communicator& comm) {
    const at::Tensor x = at::ones({static_cast<int64_t>(kBytes / 4)});
    const auto sent = [&](const std::function<void()>& call) {
      const Traffic before = *traffic_of(comm);
      call();
      return double((*traffic_of(comm) - before).sent);
    };
    const int next = (comm.rank() + 1) % kWorkers, former = (comm.rank() + 3) % kWorkers;
    at::Tensor out = at::empty_like(x);
    // A ring: each block once around to be added up, and once to be known.
    EXPECT_NEAR(sent([&] { comm.all_reduce_sum(x, out); }), 2 * 3. / 4 * kBytes, .01 * kBytes);
    EXPECT_NEAR(sent([&] { comm.all_gather(x); }), 3 * kBytes, .01 * kBytes);
    EXPECT_NEAR(sent([&] { comm.exchange({{next, x}}, {{former, out}}); }), kBytes, .01 * kBytes);
    // A tree: 0 sends to 1 and 2, 1 to 3.
    constexpr double kMessages[kWorkers] = {2, 1, 0, 0};
    EXPECT_NEAR(sent([&] { comm.broadcast(out, 0); }), kMessages[comm.rank()] * kBytes,
                .01 * kBytes);
    EXPECT_EQ(sent([&] { comm.barrier(); }), 3 * (64 + 16));  // headers and frames

    comm.barrier();
    const double deadline = now_seconds() + 20;
    Traffic all = *traffic_of(comm);
    while (all.acknowledged < .99 * all.sent && now_seconds() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      all = *traffic_of(comm);
    }
    EXPECT_NEAR(all.acknowledged, all.sent, .01 * all.sent);
  });
}

TEST(GlooTraffic, IsNotKnownWhereOthersSend) {
  EXPECT_FALSE(traffic_of(*make_solo()));
  run_threads(2, [](Communicator& comm) { EXPECT_FALSE(traffic_of(comm)); });
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

TEST(Gloo, TheFirstWhoWaitsTellsForWhom) {
  const auto store = make_hash_store();
  std::vector<std::string> told[3];
  run_workers(
      3,
      [&](int rank) {
        JoinOptions options{.rank = rank, .size = 3, .timeout_seconds = 20};
        options.stall_seconds = 0.1;
        options.on_stall = [&told, rank](const std::string& text) { told[rank].push_back(text); };
        return make_gloo(options, store);
      },
      [](Communicator& comm) {
        comm.barrier();
        if (comm.rank() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(300));
        comm.barrier();
      });
  EXPECT_THAT(told[1], testing::ElementsAre(testing::MatchesRegex(
                           "waiting for rank 0 in barrier 2, for 0\\.[1-9][0-9]* s now")));
  EXPECT_THAT(told[0], testing::IsEmpty());
  EXPECT_THAT(told[2], testing::IsEmpty());
}

// Workers of one machine have one clock.
TEST(Gloo, TheWorkersClocksAreCompared) {
  const auto store = make_hash_store();
  run_workers(
      3,
      [&](int rank) { return make_gloo({.rank = rank, .size = 3, .timeout_seconds = 20}, store); },
      [](Communicator& comm) {
        const ClockOffset offset = clock_offset(comm);
        EXPECT_LE(std::abs(offset.ahead), offset.within);
        EXPECT_EQ(offset.within == 0, comm.rank() == 0);
        EXPECT_LT(offset.within, 10);
        comm.barrier();
      });
  EXPECT_EQ(clock_offset(*make_solo()).within, 0);
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
