#include "valley/comm/meeting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"

namespace valley::meeting_test {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::MatchesRegex;

// What each of the workers, threads here, gets from its call: the result or the error.
std::vector<std::string> each(const std::vector<Newcomer>& workers, double seconds = 30) {
  const auto store = make_hash_store();
  std::vector<std::string> results(workers.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < workers.size(); ++i) {
    threads.emplace_back([&, i] {
      try {
        for (const std::string& address : meet(*store, workers[i], seconds))
          results[i] += address + " ";
      } catch (const UsageError& error) {
        results[i] = std::string("usage: ") + error.what();
      } catch (const CommError& error) {
        results[i] = std::string("comm: ") + error.what();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return results;
}

Newcomer at(int rank, int size, const std::string& address) {
  Newcomer result;
  result.rank = rank;
  result.size = size;
  result.address = address;
  return result;
}

TEST(Meeting, AllLearnWhereAllAre) {
  EXPECT_THAT(each({at(2, 3, "10.0.0.3"), at(0, 3, "10.0.0.1"), at(1, 3, "10.0.0.2")}),
              Each("10.0.0.1 10.0.0.2 10.0.0.3 "));
}

TEST(Meeting, AllLearnWhoIsMissing) {
  EXPECT_THAT(each({at(0, 4, "10.0.0.1"), at(2, 4, "10.0.0.3")}, 0.3),
              Each(MatchesRegex("comm: ranks 1, 3 did not join within 0\\.[3-9] s")));
  EXPECT_THAT(each({at(1, 2, "10.0.0.2")}, 0.1),
              ElementsAre(MatchesRegex("comm: rank 0 did not join within 0\\.[1-9] s")));
}

// Of another version, or of nobody who knows what belongs there.
TEST(Meeting, WhatCannotBeReadIsAnError) {
  const auto hears = [](const std::string& job, const std::string& verdict) {
    const auto store = make_hash_store();
    store->set("job", job);
    store->set("verdict", verdict);
    return error_of<UsageError>([&] { meet(*store, at(1, 2, "10.0.0.2"), 1); });
  };
  const std::string text = "what rank 0 says cannot be read: it runs another version of valley";
  for (const char* verdict : {"7", "x10.0.0.1", "/", "010.0.0.1\n"})
    EXPECT_EQ(hears(".", verdict), text) << verdict;
  EXPECT_EQ(hears(".", "010.0.0.1\n10.0.0.2\n"), "no error");
}

Newcomer worker(int rank, int size, const std::string& lr, const std::string& job = "") {
  Newcomer result = at(rank, size, "10.0.0.1");
  result.job = job;
  result.card.add("lr", lr);
  result.where = "10.0.0.1:29500";
  return result;
}

TEST(Meeting, AllLearnTheFirstDifference) {
  EXPECT_THAT(
      each({worker(0, 3, "0.03"), worker(1, 3, "0.03"), worker(2, 3, "0.1")}),
      Each("usage: lr: 0.03 on rank 0, 0.1 on rank 2; the workers of a run must agree on it"));
}

TEST(Meeting, WhoCountsOtherWorkersIsNotWaitedFor) {
  const std::string text =
      "usage: workers: 2 on rank 0, 3 on rank 1; the workers of a run must agree on it";
  EXPECT_THAT(each({worker(0, 2, "1"), worker(1, 3, "1")}), Each(text));
  EXPECT_THAT(
      each({worker(0, 3, "1"), worker(1, 2, "1")}),
      Each("usage: workers: 3 on rank 0, 2 on rank 1; the workers of a run must agree on it"));
}

TEST(Meeting, AStrangerIsSentAwayAndTheGroupDoesNotNotice) {
  EXPECT_THAT(
      each({worker(0, 2, "1", "a"), worker(1, 2, "1", "a"), worker(1, 2, "9", "b"),
            worker(1, 2, "1")}),
      ElementsAre("10.0.0.1 10.0.0.1 ", "10.0.0.1 10.0.0.1 ",
                  "usage: rank 1 of job b met the workers of job a at 10.0.0.1:29500; give every "
                  "job a MASTER_PORT of its own",
                  "usage: rank 1 of a job without a name met the workers of job a at "
                  "10.0.0.1:29500; give every job a MASTER_PORT of its own"));
}

TEST(Meeting, ARankIsTakenOnce) {
  std::vector<std::string> results =
      each({worker(0, 2, "1"), worker(1, 2, "1"), worker(1, 2, "1")});
  std::sort(results.begin(), results.end());
  EXPECT_THAT(results,
              ElementsAre("10.0.0.1 10.0.0.1 ", "10.0.0.1 10.0.0.1 ",
                          "usage: rank 1 has joined at 10.0.0.1:29500 already, from 10.0.0.1: it "
                          "was started twice, or two jobs meet there; give every job a MASTER_PORT "
                          "of its own"));
}

TEST(Meeting, IPv4AndIPv6DoNotMix) {
  EXPECT_THAT(each({at(0, 3, "fd00::1"), at(1, 3, "10.0.0.2"), at(2, 3, "fd00::3")}),
              Each("usage: rank 1 listens at IPv4 (10.0.0.2), ranks 0, 2 listen at IPv6 (fd00::1); "
                   "give an address instead of a name as MASTER_ADDR"));
}

TEST(Meeting, LoopbackIsLeftWhereOthersAreElsewhere) {
  EXPECT_EQ(reachable_by_all("127.0.0.1", {"127.0.0.1", "127.0.0.1"}), "127.0.0.1");
  EXPECT_EQ(reachable_by_all("10.0.0.1", {"127.0.0.1", "10.0.0.1"}), "10.0.0.1");
}

TEST(Meeting, PlacesTravelAsText) {
  const Place place{"fe80::1%eth0", "eth0"};
  EXPECT_EQ(Place::decode(place.encode()), place);
  EXPECT_EQ(Place::decode(Place{"10.0.0.1", ""}.encode()), (Place{"10.0.0.1", ""}));
}

TEST(Meeting, WhoHasAnotherTokenIsSentAwayAlone) {
  const auto with = [](int rank, const std::string& token) {
    Newcomer one = worker(rank, 2, "0.1");
    one.token = token;
    one.where = "node1:29500";
    return one;
  };
  const std::string token = "the token of the job", other = "another token, as long";
  auto results = each({with(0, token), with(1, other), with(1, token)});
  EXPECT_EQ(results[1], "usage: rank 1 has another token than the workers at node1:29500");
  EXPECT_EQ(results[0], results[2]);
  EXPECT_EQ(results[0], "10.0.0.1 10.0.0.1 ");
  results = each({with(0, token), with(1, ""), with(1, token)});
  EXPECT_EQ(results[1],
            "usage: the workers at node1:29500 ask for a token, and rank 1 has none: token-file "
            "FILE, or VALLEY_TOKEN");
  EXPECT_EQ(results[0], "10.0.0.1 10.0.0.1 ");
  results = each({with(0, ""), with(1, token), with(1, "")});
  EXPECT_EQ(results[1], "usage: rank 1 has a token, and the workers at node1:29500 have none");
  EXPECT_EQ(results[2], "10.0.0.1 10.0.0.1 ");
}

}  // namespace
}  // namespace valley::meeting_test
