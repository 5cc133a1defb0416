#include "valley/schedule/push.h"

#include <gtest/gtest.h>

#include <cmath>

#include "valley/core/error.h"

namespace valley::push_test {
namespace {

TEST(Push, StartMiddleAndEnd) {
  const auto expect = [](PushShape shape, double start, double quarter, double middle, double end) {
    EXPECT_DOUBLE_EQ(push_factor(shape, 0), start);
    EXPECT_DOUBLE_EQ(push_factor(shape, 0.25), quarter);
    EXPECT_DOUBLE_EQ(push_factor(shape, 0.5), middle);
    EXPECT_DOUBLE_EQ(push_factor(shape, 1), end);
  };
  const double low = (1 - std::sqrt(0.5)) / 2;
  expect(PushShape::kConstant, 1, 1, 1, 1);
  expect(PushShape::kIncreasing, 0, low, 0.5, 1);
  expect(PushShape::kDecreasing, 1, 1 - low, 0.5, 0);
  expect(PushShape::kLinearIncreasing, 0, 0.25, 0.5, 1);
  expect(PushShape::kLinearDecreasing, 1, 0.75, 0.5, 0);
}

TEST(Push, ProgressIsClamped) {
  EXPECT_EQ(push_factor(PushShape::kIncreasing, 1.1), 1);
  EXPECT_EQ(push_factor(PushShape::kLinearDecreasing, 1.1), 0);
  EXPECT_EQ(push_factor(PushShape::kLinearIncreasing, -0.1), 0);
}

TEST(Push, NamesMatchTheEnum) {
  EXPECT_EQ(kPushShapes.parse("constant"), PushShape::kConstant);
  EXPECT_EQ(kPushShapes.parse("increasing"), PushShape::kIncreasing);
  EXPECT_EQ(kPushShapes.parse("decreasing"), PushShape::kDecreasing);
  EXPECT_EQ(kPushShapes.parse("linear-increasing"), PushShape::kLinearIncreasing);
  EXPECT_EQ(kPushShapes.parse("linear-decreasing"), PushShape::kLinearDecreasing);
  try {
    kPushShapes.parse("increasin");
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(),
                 "unknown push schedule 'increasin'; did you mean 'increasing'? known: constant, "
                 "increasing, decreasing, linear-increasing, linear-decreasing");
  }
}

}  // namespace
}  // namespace valley::push_test
