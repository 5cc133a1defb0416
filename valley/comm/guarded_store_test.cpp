#include "valley/comm/guarded_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <thread>

#include "valley/comm/mac.h"
#include "valley/comm/testing/stranger.h"
#include "valley/comm/token.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"

namespace valley::guarded_store_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kToken = "a secret of the job";

struct Host {
  explicit Host(const std::string& token = kToken)
      : store(open_tcp_store({.port = 0,
                              .server = true,
                              .token = token,
                              .only_here = true,
                              .on_refused = [this](const std::string& from) {
                                const std::lock_guard lock(mutex);
                                refused.push_back(from);
                              }})) {}

  std::vector<std::string> told() {
    const std::lock_guard lock(mutex);
    return refused;
  }

  std::mutex mutex;
  std::vector<std::string> refused;
  TcpStore store;  // the last: its thread writes into `refused`
};

TcpStore reach(int port, const std::string& token = kToken) {
  return open_tcp_store({.port = port, .timeout_seconds = 5, .token = token});
}

std::string refusal(int port, const std::string& token) {
  try {
    reach(port, token).store->get("anything");
  } catch (const UsageError& error) {
    return error.what();
  }
  return "nothing";
}

TEST(Mac, IsHmacSha256OfCountedParts) {  // by Python's hmac, of "1:a2:bc0:"
  EXPECT_EQ(hexadecimal(mac(kToken, {"a", "bc", ""})),
            "9fba6cd93e5a1b43156b2f345a64b9f7db569d205ca930c06ff9576374721810");
  EXPECT_NE(mac(kToken, {"a", "bc"}), mac(kToken, {"ab", "c"}));
  EXPECT_TRUE(same("abc", "abc"));
  EXPECT_FALSE(same("abc", "abd"));
  EXPECT_FALSE(same("abc", "ab"));
}

TEST(GuardedStore, IsAStore) {
  const Host host;
  const TcpStore client = reach(host.store.port);
  Store &there = *host.store.store, &here = *client.store;
  here.set("a", std::string("x\0y", 3));
  EXPECT_EQ(there.get("a"), std::string("x\0y", 3));
  EXPECT_EQ(here.get("b"), std::nullopt);
  EXPECT_EQ(here.set_if_absent("b", ""), "");
  EXPECT_EQ(there.set_if_absent("b", "late"), "");
  EXPECT_EQ(here.get("b"), "");
  EXPECT_FALSE(here.wait("c", 0.05));
  std::thread other([&] { reach(host.store.port).store->set("c", std::string(1 << 20, 'c')); });
  EXPECT_TRUE(here.wait("c", 20));
  other.join();
  EXPECT_EQ(here.get("c"), std::string(1 << 20, 'c'));
}

TEST(GuardedStore, ManyAtOnce) {
  const Host host;
  std::vector<std::thread> threads;
  for (int rank = 0; rank < 8; ++rank) {
    threads.emplace_back([&, rank] {
      const TcpStore client = reach(host.store.port);
      for (int i = 0; i < 100; ++i) client.store->set_if_absent(std::to_string(i), "");
      client.store->set("rank/" + std::to_string(rank), "");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(wait_for_ranks(*host.store.store, "rank/", 8, 0).empty());
}

TEST(GuardedStore, GoneIsSaidOnceTheHostIs) {
  auto host = std::make_unique<Host>();
  const TcpStore client = reach(host->store.port);
  const int port = host->store.port;
  host.reset();
  for (int i = 0; i < 2; ++i) {
    try {
      client.store->get("a");
      FAIL();
    } catch (const CommError& error) {
      EXPECT_EQ(error.what(), fmt::format("the store at 127.0.0.1:{} is gone", port));
    }
  }
}

TEST(GuardedStore, WhoHasAnotherTokenOrNoneIsRefusedAndNamed) {
  Host host;
  const std::string of = fmt::format("the store at 127.0.0.1:{}", host.store.port);
  const std::string where = of + " ";
  EXPECT_EQ(refusal(host.store.port, "another secret, also long"),
            "this worker's token is not that of " + of + ": the token was refused there");
  EXPECT_EQ(refusal(host.store.port, ""),
            where + "asks for a token, and this worker has none: token-file FILE, or VALLEY_TOKEN");
  const double end = now_seconds() + 20;
  while (host.told().empty() && now_seconds() < end) std::this_thread::yield();
  EXPECT_THAT(host.told(), ElementsAre("127.0.0.1"));  // once
  EXPECT_EQ(refusal(host.store.port, kToken), "nothing");
}

TEST(GuardedStore, AHostWithoutATokenIsNamed) {
  const TcpStore host = open_tcp_store({.port = 0, .server = true});
  const auto reached = [&] {
    try {
      open_tcp_store({.port = host.port, .timeout_seconds = 0.5, .token = kToken});
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string("nothing");
  };
  EXPECT_THAT(reached(), HasSubstr("asks for no token, and this worker has one"));
  host.store->set("still", "there");
  EXPECT_EQ(host.store->get("still"), "there");
}

TEST(GuardedStore, ATakenPortIsNamed) {
  const Host host;
  try {
    open_tcp_store({.port = host.store.port, .server = true, .token = kToken});
    FAIL();
  } catch (const CommError& error) {
    EXPECT_THAT(error.what(), HasSubstr("the port is taken"));
  }
}

// Whatever they say, or do not: they are sent away in time, and keep nobody out.
TEST(GuardedStore, StrangersCostLittle) {
  const Host host;
  std::vector<Stranger> crowd;
  for (int i = 0; i < 200; ++i) crowd.emplace_back(host.store.port);
  EXPECT_TRUE(crowd.back().connected());
  for (int i = 0; i < 50; ++i) crowd[i].say(std::string(20, '\xff'));
  for (int i = 50; i < 100; ++i) crowd[i].say(std::string(100'000, '\xff'));
  const double start = now_seconds();
  reach(host.store.port).store->set("a", "b");
  EXPECT_LT(now_seconds() - start, 4);  // before the first of them is sent away for its silence
  EXPECT_EQ(host.store.store->get("a"), "b");
  EXPECT_EQ(crowd.back().hear(), "");
}

// A question that would take all memory ends the connection of who asks, and takes none.
TEST(GuardedStore, SizesAreBounded) {
  const Host host;
  const TcpStore client = reach(host.store.port);
  try {
    client.store->set("large", std::string((64 << 20) + 1, 'x'));
    FAIL();
  } catch (const CommError&) {
  }
  EXPECT_EQ(host.store.store->get("large"), std::nullopt);
}

}  // namespace
}  // namespace valley::guarded_store_test
