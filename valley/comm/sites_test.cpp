#include "valley/comm/sites.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace valley::sites_test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ManySites : public testing::Test {
 protected:
  // Looks until that holds; what it was told meanwhile.
  template <typename Condition>
  std::vector<std::string> look_until(const Condition& condition) {
    std::vector<std::string> lines;
    while (!condition()) {
      for (const std::string& line : sites_.look(gatherer_)) lines.push_back(line);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return lines;
  }

  // What a site is told to kill, once it is.
  std::vector<int> orders(Site& site) {
    std::vector<int> ids;
    while (ids.empty()) {
      ids = site.look();
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return ids;
  }

  std::shared_ptr<Store> store_ = make_hash_store();
  Gatherer gatherer_{store_, 1, 1};
  Sites sites_{store_, 3, 0.6};
};

TEST_F(ManySites, NoTwoWorkersHaveTheSameNumber) {
  for (int id = 0; id < 4; ++id) EXPECT_EQ(claim_worker(*store_), id);
}

TEST_F(ManySites, SayWhomTheyStartAndHearWhomToKill) {
  Site one(store_, 1), two(store_, 2);
  one.started(4);
  two.started(5);
  two.started(6);
  look_until([&] { return sites_.has(4) && sites_.has(6); });
  sites_.kill(5);
  EXPECT_THAT(orders(two), ElementsAre(5));
  EXPECT_THAT(one.look(), IsEmpty());
  two.ended(5, "died with signal 9 (Killed)", false);
  look_until([&] { return !sites_.has(5); });
  EXPECT_TRUE(sites_.any());
  EXPECT_FALSE(gatherer_.finished());
  two.ended(6, "finished", true);
  look_until([&] { return gatherer_.finished(); });
  sites_.over();
  while (!one.over()) one.look();
  EXPECT_FALSE(one.lost());
}

TEST_F(ManySites, AWorkerThatStartsWhenAllIsOverIsKilled) {
  Site one(store_, 1);
  one.started(1);
  look_until([&] { return sites_.has(1); });
  sites_.over();
  one.started(2);
  look_until([&] { return sites_.has(2); });
  EXPECT_THAT(orders(one), ElementsAre(2));
}

TEST_F(ManySites, OneThatIsSilentIsLostAndHearsIt) {
  Site one(store_, 1), two(store_, 2);
  one.started(1);
  two.started(2);
  look_until([&] { return sites_.has(1) && sites_.has(2); });
  const auto lines = look_until([&] {
    two.look();
    return !sites_.has(1);
  });
  EXPECT_THAT(lines, ElementsAre("machine 1 was silent for 1 s: its workers are done without"));
  EXPECT_TRUE(sites_.has(2));
  EXPECT_FALSE(one.lost());  // it has not looked
  while (!one.lost()) one.look();
  // What it says now is not heard.
  one.started(7);
  for (int k = 0; k < 30; ++k) {
    two.look();
    sites_.look(gatherer_);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_FALSE(sites_.has(7));
}

TEST_F(ManySites, WhoComesAgainTakesThePlaceOfTheFormer) {
  Site former(store_, 1);
  former.started(1);
  look_until([&] { return sites_.has(1); });
  Site again(store_, 1);
  again.started(8);
  look_until([&] { return sites_.has(8); });
  EXPECT_FALSE(sites_.has(1));
  while (!former.lost()) former.look();
  again.look();
  EXPECT_FALSE(again.lost());
}

TEST(GathererOfSites, WaitsForThoseThatAreStillToStart) {
  const auto store = make_hash_store();
  Gatherer gatherer(store, 1, 0.4);
  gatherer.expect(2);
  gatherer.started(0);
  store->set("gathering/word/1/0", "");
  for (int k = 0; k < 10; ++k) EXPECT_THAT(gatherer.look(), IsEmpty());
  EXPECT_EQ(gatherer.group().number, 0);
  while (gatherer.group().number == 0) {  // not longer than the timeout
    gatherer.look();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(gatherer.group().workers.size(), 1u);

  Gatherer both(make_hash_store(), 1, 60);
  both.expect(2);
  for (const int id : {0, 1}) both.started(id);
  EXPECT_THAT(both.look(), IsEmpty());
}

}  // namespace
}  // namespace valley::sites_test
