#include "valley/comm/agreement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "valley/comm/group.h"
#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/testing/run_ranks.h"

namespace valley::agreement_test {
namespace {

Card card(const std::vector<std::pair<std::string, std::string>>& entries) {
  Card result;
  for (const auto& [key, value] : entries) result.add(key, value);
  return result;
}

TEST(Cards, TravelAsText) {
  const Card mine = card({{"a b", "1\n2"}, {"", ""}, {"name", "5 hello"}});
  EXPECT_EQ(Card::decode(mine.encode()), mine);
  EXPECT_EQ(Card::decode(""), Card());
  for (const std::string code : {"x", "3 ab", "2 ab", "2 ab9 c", "99999999999999999999 a"}) {
    EXPECT_EQ(error_of<UsageError>([&] { Card::decode(code); }),
              "a worker's card cannot be read: it runs another version of valley");
  }
}

TEST(Cards, TheFirstDifferenceIsNamed) {
  const Card a = card({{"lr", "0.03"}, {"seed", "0"}});
  EXPECT_EQ(first_difference({}), "");
  EXPECT_EQ(first_difference({a}), "");
  EXPECT_EQ(first_difference({a, a, a}), "");
  EXPECT_EQ(first_difference({a, std::nullopt, a}), "");
  EXPECT_EQ(first_difference({a, a, card({{"lr", "0.1"}, {"seed", "9"}})}),
            "lr: 0.03 on rank 0, 0.1 on rank 2; the workers of a run must agree on it");
  EXPECT_EQ(first_difference({a, card({{"lr", "0.03"}, {"seed", "9"}}), card({{"lr", "0.1"}})}),
            "lr: 0.03 on rank 0, 0.1 on rank 2; the workers of a run must agree on it");
  EXPECT_EQ(first_difference({a, card({{"lr", "0.03"}})}),
            "seed: 0 on rank 0, none on rank 1; the workers of a run must agree on it");
  EXPECT_EQ(first_difference({card({{"lr", "0.03"}}), a}),
            "seed: none on rank 0, 0 on rank 1; the workers of a run must agree on it");
  EXPECT_EQ(first_difference({a, card({{"seed", "0"}, {"lr", "0.03"}})}),
            "rank 1 lists its settings in another order: it runs another version of valley");
}

// Every worker's error.
std::vector<std::string> errors_of(const std::function<void(Communicator&)>& call) {
  std::vector<std::string> errors(3);
  run_ranks(3, [&](Communicator& comm) {
    errors[static_cast<size_t>(comm.rank())] = error_of<UsageError>([&] { call(comm); });
  });
  return errors;
}

TEST(Agreement, AllStopAtADifference) {
  EXPECT_THAT(errors_of([](Communicator& comm) {
                require_agreement(comm, card({{"shape", comm.rank() == 1 ? "[2]" : "[3]"}}));
              }),
              testing::Each("shape: [3] on rank 0, [2] on rank 1; the workers of a run must agree "
                            "on it"));
}

TEST(Agreement, AllStopWhereOneCannotGoOn) {
  EXPECT_THAT(errors_of([](Communicator& comm) {
                stop_together(comm, comm.rank() == 2 ? "no such file" : "");
              }),
              testing::ElementsAre("rank 2: no such file", "rank 2: no such file", "no such file"));
}

}  // namespace
}  // namespace valley::agreement_test
