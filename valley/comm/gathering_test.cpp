#include "valley/comm/gathering.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"

namespace valley::gathering_test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A gatherer that looks by itself, and workers that wait on threads of their own.
class Gathers : public testing::Test {
 protected:
  explicit Gathers(int min = 2, double timeout_seconds = 20)
      : gatherer_(store_, min, timeout_seconds) {}

  std::future<GatheredGroup> ask(int id, const std::string& word = "") {
    if (!workers_.contains(id)) workers_.emplace(id, Gathering(store_, id));
    return std::async(std::launch::async, [this, id, word] { return workers_.at(id).next(word); });
  }

  // The first group is of these; its workers go about their work.
  void begin(const std::vector<int>& ids) {
    std::vector<std::future<GatheredGroup>> groups;
    for (const int id : ids) gatherer_.started(id);
    for (const int id : ids) groups.push_back(ask(id));
    EXPECT_EQ(formed(1), ids);
    for (auto& group : groups) group.get();
  }

  // Looks until that holds, and returns who was late.
  template <typename Condition>
  std::vector<int> look_until(const Condition& condition) {
    std::vector<int> late;
    while (!condition()) {
      for (const int id : gatherer_.look()) late.push_back(id);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return late;
  }

  // The ids of the group of that number, by rank.
  std::vector<int> formed(int64_t number) {
    look_until([&] { return gatherer_.group().number == number; });
    std::vector<int> ids;
    for (const Gathered& worker : gatherer_.group().workers) ids.push_back(worker.id);
    return ids;
  }

  std::shared_ptr<Store> store_ = make_hash_store();
  Gatherer gatherer_;
  std::map<int, Gathering> workers_;
};

TEST(Gathering, ANumberThatIsNoneIsAnError) {
  for (const char* number : {"x", "-1", "9223372036854775807", "99999999999999999999"}) {
    const auto store = make_hash_store();
    store->set("gathering/number", number);
    EXPECT_EQ(error_of<UsageError>([&] { Gathering(store, 1).next(""); }),
              std::string("the launcher says '") + number +
                  "' where the number of a group belongs: it runs another version of valley");
  }
}

TEST(GatheredGroup, IsReadAsItWasWritten) {
  const GatheredGroup group = GatheredGroup::decode(GatheredGroup{
      .number = 7,
      .enough = false,
      .finished = true,
      .workers = {{3, ""}, {12, "{\"a\": 1} b"}}}.encode());
  EXPECT_EQ(group.number, 7);
  EXPECT_FALSE(group.enough);
  EXPECT_TRUE(group.finished);
  ASSERT_EQ(group.workers.size(), 2u);
  EXPECT_EQ(group.workers[0].id, 3);
  EXPECT_EQ(group.workers[0].word, "");
  EXPECT_EQ(group.workers[1].word, "{\"a\": 1} b");
}

TEST_F(Gathers, TheFirstGroupHasAllThatWereStarted) {
  for (const int id : {0, 1, 2}) gatherer_.started(id);
  auto two = ask(2), zero = ask(0);
  for (int k = 0; k < 50; ++k) gatherer_.look();
  EXPECT_EQ(gatherer_.group().number, 0);  // 1 is still to come
  auto one = ask(1);
  EXPECT_THAT(formed(1), ElementsAre(0, 1, 2));
  EXPECT_EQ(workers_.at(2).rank(two.get()), 2);
  EXPECT_EQ(zero.get().workers.size(), 3u);
  EXPECT_TRUE(one.get().enough);
}

TEST_F(Gathers, WhoeverIsLeftGoesOnAndANewcomerComesWhenTheyNextGather) {
  begin({0, 1, 2});

  gatherer_.ended(0, "died");
  gatherer_.started(3);  // in its place, not there yet
  auto one = ask(1, "one"), two = ask(2, "two");
  EXPECT_THAT(formed(2), ElementsAre(1, 2));
  EXPECT_EQ(one.get().workers[1].word, "two");
  two.get();
  EXPECT_FALSE(workers_.at(1).called());

  auto three = ask(3);
  look_until([&] { return workers_.at(1).called(); });
  EXPECT_EQ(gatherer_.group().number, 2);  // it waits until they gather
  auto one_again = ask(1), two_again = ask(2);
  EXPECT_THAT(formed(3), ElementsAre(1, 2, 3));
  EXPECT_EQ(workers_.at(3).rank(three.get()), 2);
  one_again.get(), two_again.get();
  EXPECT_FALSE(workers_.at(2).called());
}

class GathersSoon : public Gathers {
 protected:
  GathersSoon() : Gathers(2, 0.2) {}
};

TEST_F(GathersSoon, WhoDoesNotAnswerIsLeftBehindOnceItHasEnded) {
  begin({0, 1, 2});

  auto zero = ask(0), two = ask(2);
  std::vector<int> late;
  late = look_until([&] {
    for (const int id : gatherer_.look()) late.push_back(id);
    return !late.empty();
  });
  EXPECT_THAT(late, IsEmpty());            // told once
  EXPECT_EQ(gatherer_.group().number, 1);  // it may still be writing
  gatherer_.ended(1, "killed");
  EXPECT_THAT(formed(2), ElementsAre(0, 2));
  zero.get(), two.get();
  // Were it alive, it would hear that they went on.
  try {
    workers_.at(1).next("");
    FAIL();
  } catch (const CommError& error) {
    EXPECT_STREQ(error.what(), "worker 1 was not heard of in time: the others go on without it");
  }
}

TEST_F(GathersSoon, TheLastOfAGroupIsNotWaitedForLongerBecauseOnlyNewcomersAsk) {
  begin({0, 1});
  gatherer_.ended(1, "died");
  for (const int id : {2, 3}) gatherer_.started(id);
  auto two = ask(2), three = ask(3);
  std::vector<int> late;
  look_until([&] {
    for (const int id : gatherer_.look()) late.push_back(id);
    return !late.empty();
  });
  EXPECT_THAT(late, ElementsAre(0));
  gatherer_.ended(0, "killed");
  EXPECT_THAT(formed(2), ElementsAre(2, 3));
  two.get(), three.get();
}

TEST_F(GathersSoon, AWholeGroupThatDoesNotHearTheCallIsFrozen) {
  begin({0, 1});
  gatherer_.started(2);
  auto two = ask(2);
  std::vector<int> late;
  look_until([&] {
    for (const int id : gatherer_.look()) late.push_back(id);
    return late.size() == 2;
  });
  gatherer_.ended(0, "killed");
  gatherer_.ended(1, "killed");
  EXPECT_THAT(formed(2), ElementsAre(2));  // after waiting for another
  EXPECT_FALSE(two.get().enough);
}

TEST_F(GathersSoon, TooFewAreToldSo) {
  begin({0, 1});
  gatherer_.ended(1, "died");
  auto left = ask(0);
  EXPECT_THAT(formed(2), ElementsAre(0));
  EXPECT_FALSE(left.get().enough);
}

TEST_F(GathersSoon, WhoWaitsWhileOthersHaveFinishedHasFinished) {
  begin({0, 1});
  gatherer_.ended(1, "finished", true);
  auto left = ask(0);
  formed(2);
  EXPECT_TRUE(left.get().finished);
}

TEST_F(GathersSoon, WhoeverIsLeftWhenTheWorkHasEndedIsToEnd) {
  begin({0, 1});
  gatherer_.started(2);  // is not there yet, and never will be
  EXPECT_THAT(gatherer_.look(), IsEmpty());
  gatherer_.ended(0, "finished", true);
  EXPECT_THAT(gatherer_.look(), ElementsAre(2));
  std::vector<int> late;
  look_until([&] {
    for (const int id : gatherer_.look()) late.push_back(id);
    return !late.empty();
  });
  EXPECT_THAT(late, ElementsAre(1));
}

TEST_F(Gathers, AGroupTalks) {
  for (const int id : {4, 9}) gatherer_.started(id);
  const auto work = [&](int id) {
    const GatheredGroup group = workers_.at(id).next("");
    const auto comm = workers_.at(id).connect(group, {.timeout_seconds = 20});
    return comm->all_gather_text(std::to_string(id));
  };
  for (const int id : {4, 9}) workers_.emplace(id, Gathering(store_, id));
  auto four = std::async(std::launch::async, work, 4);
  auto nine = std::async(std::launch::async, work, 9);
  formed(1);
  EXPECT_THAT(four.get(), ElementsAre("4", "9"));
  EXPECT_THAT(nine.get(), ElementsAre("4", "9"));
}

}  // namespace
}  // namespace valley::gathering_test
