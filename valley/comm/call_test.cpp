#include "valley/comm/call.h"

#include <gtest/gtest.h>

namespace valley::call_test {
namespace {

Call make(Operation operation, int64_t numel = 0, at::ScalarType dtype = at::kFloat) {
  Call call;
  call.operation = operation;
  call.numel = numel;
  call.dtype = dtype;
  call.sequence = 7;
  return call;
}

TEST(Call, IsDescribedForPeople) {
  EXPECT_EQ(describe(make(Operation::kAllReduce, 5)), "all_reduce of 5 float values");
  EXPECT_EQ(describe(make(Operation::kAllGather, 1, at::kLong)), "all_gather of 1 long value");
  Call broadcast = make(Operation::kBroadcast, 3, at::kDouble);
  broadcast.root = 1;
  EXPECT_EQ(describe(broadcast), "broadcast of 3 double values from rank 1");
  EXPECT_EQ(describe(make(Operation::kExchange)), "exchange");
  EXPECT_EQ(describe(make(Operation::kBarrier)), "barrier");
  Call text = make(Operation::kAllGather);
  text.text = true;
  EXPECT_EQ(describe(text), "all_gather_text");
  EXPECT_EQ(label(text), "all_gather_text 7");
  text.root = 0;
  EXPECT_EQ(describe(text), "gather_text");
  EXPECT_EQ(label(make(Operation::kAllReduce, 5)), "all_reduce 7");
}

TEST(Call, EqualCallsMatchWhateverTheirWishToStop) {
  std::vector<Call> calls(3, make(Operation::kAllReduce, 5));
  calls[1].stop = true;
  EXPECT_FALSE(mismatch(calls, {0, 1, 2}));
}

TEST(Call, TheMinorityIsNamed) {
  std::vector<Call> calls(4, make(Operation::kBarrier));
  calls[0] = make(Operation::kAllReduce, 5);
  calls[3] = make(Operation::kAllReduce, 5, at::kDouble);
  EXPECT_EQ(mismatch(calls, {0, 1, 2, 3}),
            "rank 0 called all_reduce of 5 float values as operation 7, rank 3 called all_reduce "
            "of 5 double values as operation 7, rank 1 called barrier");
}

TEST(Call, OfTwoTheSecondIsNamedByItsRankInTheWholeGroup) {
  std::vector<Call> calls = {make(Operation::kAllReduce, 5), make(Operation::kAllReduce, 6)};
  EXPECT_EQ(mismatch(calls, {2, 5}),
            "rank 5 called all_reduce of 6 float values as operation 7, rank 2 called all_reduce "
            "of 5 float values");
}

TEST(Call, DifferentNumbersAreNamedOnBothSides) {
  std::vector<Call> calls(3, make(Operation::kBarrier));
  calls[1].sequence = 8;
  EXPECT_EQ(mismatch(calls, {0, 1, 2}),
            "rank 1 called barrier as operation 8, rank 0 called barrier as operation 7");
}

}  // namespace
}  // namespace valley::call_test
