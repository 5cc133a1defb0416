#include "valley/comm/tcp_mesh.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <numeric>
#include <sstream>
#include <thread>
#include <utility>

#include "valley/comm/handshake.h"
#include "valley/comm/testing/stranger.h"
#include "valley/core/clock.h"

namespace valley::tcp_mesh_test {
namespace {

using Work = std::function<void(TcpMesh&)>;

JoinOptions options_of(int rank, int size, double timeout_seconds) {
  JoinOptions options{.rank = rank, .size = size, .address = "127.0.0.1"};
  options.timeout_seconds = timeout_seconds;
  return options;
}

// Each worker is a thread; the mesh of one lives until it has done its work.
void run(const std::vector<Work>& works, double timeout_seconds = 10) {
  const auto store = make_hash_store();
  const int size = static_cast<int>(works.size());
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      TcpMesh mesh(options_of(rank, size, timeout_seconds), *store);
      works[static_cast<size_t>(rank)](mesh);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

std::vector<int> numbers(size_t n) {
  std::vector<int> values(n);
  std::iota(values.begin(), values.end(), 1);
  return values;
}

int64_t bytes(const std::vector<int>& values) {
  return static_cast<int64_t>(values.size() * sizeof(int));
}

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const PeerError& error) {
    return fmt::format("{} {}", error.peer, error.what());
  }
  return "nothing";
}

// The first fills every buffer of the kernel, and the other asks for the last of them first.
TEST(TcpMesh, MessagesMayBeAskedForInAnyOrder) {
  const std::vector<int> large = numbers(3'000'000), small = numbers(3);
  std::vector<int> got_large(large.size()), got_small(small.size());
  run({[&](TcpMesh& mesh) {
         TcpMesh::Buffer a(mesh, large.data()), b(mesh, small.data());
         a.send(1, 7, 0, bytes(large));
         b.send(1, 8, 0, bytes(small));
         a.wait_sent(1);
         b.wait_sent(1);
       },
       [&](TcpMesh& mesh) {
         TcpMesh::Buffer a(mesh, got_large.data()), b(mesh, got_small.data());
         b.receive(0, 8, 0, bytes(small));
         b.wait_received(0);
         a.receive(0, 7, 0, bytes(large));
         a.wait_received(0);
       }});
  EXPECT_EQ(got_small, small);
  EXPECT_EQ(got_large, large);
}

// Of what nobody has asked for yet.
TEST(TcpMesh, BothMaySendMoreThanTheKernelHoldsBeforeEitherReceives) {
  const std::vector<int> sent = numbers(3'000'000);
  std::vector<int> got[2] = {std::vector<int>(sent.size()), std::vector<int>(sent.size())};
  const auto work = [&](TcpMesh& mesh) {
    std::vector<int>& place = got[mesh.rank()];
    const int peer = 1 - mesh.rank();
    TcpMesh::Buffer out(mesh, sent.data()), in(mesh, place.data());
    out.send(peer, 1, 0, bytes(sent));
    in.receive(peer, 1, 0, bytes(sent));
    in.wait_received(peer);
    out.wait_sent(peer);
  };
  run({work, work});
  EXPECT_EQ(got[0], sent);
  EXPECT_EQ(got[1], sent);
}

TEST(TcpMesh, MessagesOfASlotArriveInOrderAndAreWaitedForOneByOne) {
  const std::vector<int> sent = numbers(1000);
  std::vector<int> got(sent.size());
  run({[&](TcpMesh& mesh) {
         TcpMesh::Buffer out(mesh, sent.data());
         for (int i = 0; i < 1000; ++i) out.send(1, 1, i * 4, 4);
         for (int i = 0; i < 1000; ++i) out.wait_sent(1);
       },
       [&](TcpMesh& mesh) {
         TcpMesh::Buffer in(mesh, got.data());
         for (int i = 0; i < 1000; ++i) in.receive(0, 1, i * 4, 4);
         for (int i = 0; i < 1000; ++i) {
           in.wait_received(0);
           ASSERT_EQ(got[static_cast<size_t>(i)], i + 1);
         }
       }});
}

TEST(TcpMesh, APeerThatIsGoneIsNamedAfterWhatItSent) {
  int got = 0;
  std::string error;
  run({[](TcpMesh& mesh) {
         const int sent = 5;
         TcpMesh::Buffer out(mesh, &sent);
         out.send(1, 1, 0, 4);
         out.wait_sent(1);
       },
       [&](TcpMesh& mesh) {
         TcpMesh::Buffer in(mesh, &got);
         in.receive(0, 1, 0, 4);
         in.wait_received(0);
         in.receive(0, 2, 0, 4);
         error = error_of([&] { in.wait_received(0); });
       }});
  EXPECT_EQ(got, 5);
  EXPECT_EQ(error, "0 connection closed");
}

TEST(TcpMesh, AWaitEndsWithTheTimeAndByClose) {
  std::string late, closed;
  run({[&](TcpMesh& mesh) {
         int got = 0;
         TcpMesh::Buffer in(mesh, &got);
         in.receive(1, 1, 0, 4);
         late = error_of([&] { in.wait_received(1); });
         std::thread closer([&] {
           std::this_thread::sleep_for(std::chrono::milliseconds(50));
           mesh.close();
         });
         closed = error_of([&] { in.wait_received(1); });
         closer.join();
       },
       [](TcpMesh&) { std::this_thread::sleep_for(std::chrono::milliseconds(600)); }},
      0.3);
  EXPECT_EQ(late, "1 timed out");
  EXPECT_EQ(closed, "1 connection closed");
}

// The memory of a buffer that is gone is not written to: the connection ends instead.
TEST(TcpMesh, ABufferThatDiesWithHalfAMessageEndsTheConnection) {
  const std::vector<int> sent = numbers(3'000'000);
  std::string error;
  run({[&](TcpMesh& mesh) {
         { TcpMesh::Buffer(mesh, sent.data()).send(1, 1, 0, bytes(sent)); }
         int more = 0;
         error = error_of([&] { TcpMesh::Buffer(mesh, &more).send(1, 2, 0, 4); });
       },
       [](TcpMesh& mesh) {
         std::vector<int> got(3'000'000);
         TcpMesh::Buffer in(mesh, got.data());
         in.receive(0, 1, 0, bytes(got));
         EXPECT_EQ(error_of([&] { in.wait_received(0); }), "0 connection closed");
       }});
  EXPECT_EQ(error, "1 connection closed");
}

// A connection to rank 0, let in as rank 1.
TcpSocket let_in(Store& store) {
  EXPECT_TRUE(store.wait("door/0", 10));
  std::istringstream door(*store.get("door/0"));
  std::string word;
  int port = 0;
  door >> word >> port;
  Handshake call = Handshake::guest(begin_to_connect("127.0.0.1", port), "/" + word, "mesh", 1);
  const double deadline = now_seconds() + 10;
  while (call.go_on() == Handshake::State::kTalking && now_seconds() < deadline)
    ready(call.socket(), call.wishes(), 1);
  EXPECT_EQ(call.go_on(), Handshake::State::kAgreed);
  return call.take();
}

// Rank 0 does its work with a peer that is let in, says that, and is gone.
void run_with(const Work& work, const std::string& said) {
  const auto store = make_hash_store();
  std::thread worker([&] {
    TcpMesh mesh(options_of(0, 2, 10), *store);
    work(mesh);
  });
  {
    const TcpSocket peer = let_in(*store);
    EXPECT_EQ(send(peer.fd(), said.data(), said.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(said.size()));
  }
  worker.join();
}

std::string frame(uint64_t slot, uint64_t claimed, const std::string& data) {
  const uint64_t head[2] = {slot, claimed};
  return std::string(reinterpret_cast<const char*>(head), sizeof(head)) + data;
}

TEST(TcpMesh, MemoryFollowsTheBytesThatAreThere) {
  std::string error;
  run_with(
      [&](TcpMesh& mesh) {
        int got = 0;
        TcpMesh::Buffer in(mesh, &got);
        in.receive(1, 1, 0, 4);
        error = error_of([&] { in.wait_received(1); });
      },
      frame(9, uint64_t{1} << 60, "abc"));
  EXPECT_EQ(error, "1 connection closed");
}

TEST(TcpMesh, AMessageOfAnotherSizeEndsTheConnection) {
  for (const bool asked : {true, false}) {
    std::string error;
    run_with(
        [&](TcpMesh& mesh) {
          int got[2] = {};
          TcpMesh::Buffer first(mesh, &got[0]), second(mesh, &got[1]);
          first.receive(1, 1, 0, 4);
          if (asked) second.receive(1, 2, 0, 4);
          error = error_of([&] {
            first.wait_received(1);
            if (!asked) second.receive(1, 2, 0, 4);
            second.wait_received(1);
          });
        },
        frame(2, 3, "abc") + frame(1, 4, "1234"));
    EXPECT_EQ(error, "1 connection closed") << asked;
  }
}

// Whoever knows the port and not the word is not taken for a worker, whatever it says or does not.
TEST(TcpMesh, StrangersAtTheDoorAreSentAwayAndKeepNobodyOut) {
  const auto store = make_hash_store();
  int sum = 0;
  const auto work = [&](int rank) {
    TcpMesh mesh(options_of(rank, 2, 10), *store);
    int in = 0;
    TcpMesh::Buffer out(mesh, &rank), place(mesh, &in);
    place.receive(1 - rank, 1, 0, 4);
    out.send(1 - rank, 1, 0, 4);
    place.wait_received(1 - rank);
    out.wait_sent(1 - rank);
    if (rank == 0) sum = in;
  };
  std::thread first(work, 0);
  ASSERT_TRUE(store->wait("door/0", 10));
  std::istringstream door(*store->get("door/0"));
  std::string word;
  int port = 0;
  door >> word >> port;
  std::vector<Stranger> crowd;
  for (int i = 0; i < 100; ++i) crowd.emplace_back(port);
  EXPECT_TRUE(crowd.back().connected());
  for (int i = 0; i < 30; ++i) crowd[i].say(std::string(100, '\xff'));
  const double start = now_seconds();
  std::thread second(work, 1);
  first.join();
  second.join();
  EXPECT_EQ(sum, 1);
  EXPECT_LT(now_seconds() - start, 4);  // before the first of them is sent away for its silence
}

// Where a store is not Valley's own, everybody may read the word.
TEST(TcpMesh, TheWordIsNotEnoughWhereThereIsAToken) {
  const auto store = make_hash_store();
  std::string errors[2];
  const auto work = [&](int rank) {
    JoinOptions options = options_of(rank, 2, 2);
    options.token = rank == 0 ? "the token of the job" : "another token, as long";
    try {
      TcpMesh(options, *store);
    } catch (const std::runtime_error& error) {
      errors[rank] = error.what();
    }
  };
  std::thread first(work, 0), second(work, 1);
  first.join();
  second.join();
  EXPECT_EQ(errors[0], "1 of 1 others were not heard of");
  EXPECT_THAT(errors[1], testing::EndsWith(": the token was refused there"));
}

}  // namespace
}  // namespace valley::tcp_mesh_test
