#include "valley/report/statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace valley::statistics_test {
namespace {

using testing::ElementsAre;

TEST(Spread, MeanAndSampleDeviation) {
  const Spread spread = spread_of({1, 2, 3, 4});
  EXPECT_DOUBLE_EQ(spread.mean, 2.5);
  EXPECT_DOUBLE_EQ(spread.deviation, std::sqrt(5.0 / 3));
  EXPECT_EQ(spread.count, 4);
  EXPECT_EQ(spread_of({7}).deviation, 0);
  EXPECT_EQ(spread_of({}).count, 0);
}

TEST(Spread, LeavesOutWhatIsNotFinite) {
  const Spread spread = spread_of({1, NAN, 3, INFINITY});
  EXPECT_DOUBLE_EQ(spread.mean, 2);
  EXPECT_DOUBLE_EQ(spread.deviation, std::sqrt(2.0));
  EXPECT_EQ(spread.count, 2);
}

// Standard error of the difference: sqrt(1/4 + 1/4) = 0.7071.
TEST(Differ, TwiceTheStandardErrorOfTheDifference) {
  EXPECT_TRUE(differ({10, 1, 4}, {11.42, 1, 4}));
  EXPECT_FALSE(differ({10, 1, 4}, {11.41, 1, 4}));
  EXPECT_FALSE(differ({10, 0, 1}, {20, 0.1, 5})) << "one value says nothing about chance";
}

TEST(Thinned, KeepsTheEndsAndSpacesEvenly) {
  EXPECT_THAT(thinned(3, 5), ElementsAre(0, 1, 2));
  EXPECT_THAT(thinned(5, 5), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(thinned(11, 3), ElementsAre(0, 5, 10));
  EXPECT_THAT(thinned(100, 1), ElementsAre(0, 99));
  EXPECT_TRUE(thinned(0, 5).empty());
}

TEST(Shortened, SixDigits) {
  EXPECT_EQ(shortened(2.0 / 3), 0.666667);
  EXPECT_EQ(shortened(-1234567.8), -1234570);
  EXPECT_EQ(shortened(5.1401253666411015e-06), 5.14013e-06);
  EXPECT_TRUE(std::isinf(shortened(INFINITY)));
}

}  // namespace
}  // namespace valley::statistics_test
