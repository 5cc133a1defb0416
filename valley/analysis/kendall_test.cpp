#include "valley/analysis/kendall.h"

#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <numeric>

namespace valley::kendall_test {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::Optional;

TEST(KendallTauB, CountsPairsByHand) {
  EXPECT_THAT(kendall_tau_b({1, 2, 3, 4}, {10, 20, 30, 40}), Optional(1.0));
  EXPECT_THAT(kendall_tau_b({1, 2, 3, 4}, {4, 3, 2, 1}), Optional(-1.0));
  // One of the six pairs (3, 4 against 4, 3) is discordant: (5 - 1) / 6.
  EXPECT_THAT(kendall_tau_b({1, 2, 3, 4}, {1, 2, 4, 3}), Optional(DoubleNear(4.0 / 6, 1e-15)));
}

TEST(KendallTauB, TiesShrinkTheDenominatorOnTheirOwnSide) {
  // C = 5, one pair tied in x alone: 5 / sqrt(5 * 6).
  EXPECT_THAT(kendall_tau_b({1, 2, 2, 3}, {1, 2, 3, 4}),
              Optional(DoubleNear(5 / std::sqrt(30.0), 1e-15)));
  // The pair tied in both counts nowhere: 5 / sqrt(5 * 5).
  EXPECT_THAT(kendall_tau_b({1, 2, 2, 3}, {1, 2, 2, 3}), Optional(1.0));
  // x = 1 1 2 2, y = 1 2 1 2: one concordant, one discordant, two ties each.
  EXPECT_THAT(kendall_tau_b({1, 1, 2, 2}, {1, 2, 1, 2}), Optional(0.0));
  // C = 3 (1-2, 1-3, 1-4), D = 1 (2-4), tied in x 2-3, tied in y 3-4: 2 / sqrt(5 * 5).
  EXPECT_THAT(kendall_tau_b({1, 2, 2, 3}, {1, 3, 2, 2}), Optional(DoubleNear(2.0 / 5, 1e-15)));
}

TEST(KendallTauB, IsNoneWhereThereIsNoOrder) {
  EXPECT_EQ(kendall_tau_b({}, {}), std::nullopt);
  EXPECT_EQ(kendall_tau_b({1}, {1}), std::nullopt);
  EXPECT_EQ(kendall_tau_b({2, 2, 2}, {1, 2, 3}), std::nullopt);
  EXPECT_EQ(kendall_tau_b({1, 2, 3}, {2, 2, 2}), std::nullopt);
}

TEST(KendallTauB, OnlyTheOrderMatters) {
  const std::vector<double> x = {0.3, 5, -2, 11, 0.1}, y = {3, 1, 4, 1, 5};
  std::vector<double> cubes;
  for (const double value : x) cubes.push_back(value * value * value);
  EXPECT_EQ(kendall_tau_b(x, y), kendall_tau_b(cubes, y));
  EXPECT_EQ(kendall_tau_b(x, y), kendall_tau_b(y, x));
}

// n of them, each in a block of its own.
std::vector<Resampled> plain(size_t n, int64_t draws, uint64_t seed) {
  std::vector<int64_t> block(n);
  std::iota(block.begin(), block.end(), 0);
  return block_bootstrap(block, draws, seed);
}

TEST(BlockBootstrap, KeepsBlocksTogether) {
  for (const Resampled& sample : block_bootstrap({7, 7, 3, 7, 3, 5}, 200, 1)) {
    std::map<size_t, int> times;
    for (const size_t i : sample) ++times[i];
    EXPECT_EQ(times[0], times[1]);
    EXPECT_EQ(times[0], times[3]);
    EXPECT_EQ(times[2], times[4]);
    EXPECT_EQ(times[0] + times[2] + times[5], 3) << "as many blocks as there are";
  }
  EXPECT_EQ(block_bootstrap({1, 2, 1}, 9, 4), block_bootstrap({1, 2, 1}, 9, 4));
}

// Four runs of each of twelve orders, all alike: no more is known of tau than from twelve.
TEST(BlockBootstrap, CopiesOfRunsTellNothingNew) {
  std::vector<double> x, y, copied_x, copied_y;
  std::vector<int64_t> block;
  std::vector<std::vector<int64_t>> places, copied_places;
  for (int i = 0; i < 12; ++i) {
    const double a = (i * 37) % 101, b = a + 60 * ((i * 53) % 7);
    x.push_back(a), y.push_back(b), places.push_back({i % 4, i / 4, 0});
    for (int copy = 0; copy < 4; ++copy) {
      copied_x.push_back(a), copied_y.push_back(b), block.push_back(i);
      copied_places.push_back({i % 4, i / 4, copy});
    }
  }
  const auto few = plain(12, 500, 1), many = plain(48, 500, 1),
             blocks = block_bootstrap(block, 500, 1);
  const double true_error = *kendall_standard_error(x, y, few);
  EXPECT_LT(*kendall_standard_error(copied_x, copied_y, many), .8 * true_error);
  EXPECT_NEAR(*kendall_standard_error(copied_x, copied_y, blocks), true_error, .3 * true_error);
  const std::vector<bool> averaged = {false, false, true};
  const double granulated = *granulated_standard_error(places, averaged, x, y, few);
  EXPECT_GT(granulated, .05);
  EXPECT_NEAR(*granulated_standard_error(copied_places, averaged, copied_x, copied_y, blocks),
              granulated, .1 * granulated);
  EXPECT_NEAR(*granulated_standard_error(places, averaged, x, x, few), 0, 1e-12);
}

TEST(KendallStandardError, IsNothingForAPerfectOrderAndFallsWithTheRuns) {
  std::vector<double> x, y, long_x, long_y;
  for (int i = 0; i < 120; ++i) {
    const double a = (i * 37) % 101, b = a + 60 * ((i * 53) % 7);  // an order with errors
    if (i < 12) x.push_back(a), y.push_back(b);
    long_x.push_back(a), long_y.push_back(b);
  }
  EXPECT_THAT(kendall_standard_error(x, x, plain(12, 200, 1)), Optional(DoubleNear(0, 1e-12)));
  const auto few = kendall_standard_error(x, y, plain(12, 500, 1)),
             many = kendall_standard_error(long_x, long_y, plain(120, 500, 1));
  ASSERT_TRUE(few && many);
  EXPECT_GT(*few, 0.05);
  EXPECT_LT(*many, *few / 2);
  EXPECT_EQ(few, kendall_standard_error(x, y, plain(12, 500, 1)));
  EXPECT_NE(few, kendall_standard_error(x, y, plain(12, 500, 2)));
}

TEST(KendallStandardError, NeedsRunsThatDiffer) {
  EXPECT_EQ(kendall_standard_error({1, 2}, {1, 2}, plain(2, 100, 0)), std::nullopt);
  EXPECT_EQ(kendall_standard_error({1, 1, 1}, {1, 2, 3}, plain(3, 100, 0)), std::nullopt);
}

// Two settings. The measure follows the second one the wrong way round within every group, but the
// first one, which moves y more, the right way: a good tau hides a bad measure.
TEST(GranulatedTau, SeesWhatTauOverAllRunsHides) {
  const std::vector<std::vector<int64_t>> places = {{0, 0}, {0, 1}, {1, 0}, {1, 1}};
  const std::vector<double> y = {1, 2, 11, 12}, x = {2, 1, 12, 11};
  EXPECT_THAT(kendall_tau_b(x, y), Optional(DoubleNear(2.0 / 6, 1e-15)));
  const GranulatedTau result = granulated_tau(places, {false, false}, x, y);
  EXPECT_THAT(result.axes, ElementsAre(Optional(1.0), Optional(-1.0)));
  EXPECT_THAT(result.groups, ElementsAre(2, 2));
  EXPECT_THAT(result.mean, Optional(0.0));
}

TEST(GranulatedTau, SeedsOnlySeparateGroups) {
  const std::vector<std::vector<int64_t>> places = {{0, 0}, {1, 0}, {0, 1}, {1, 1}};
  // At seed 0 the measure is right, at seed 1 wrong; across seeds nothing is compared.
  const GranulatedTau result =
      granulated_tau(places, {false, true}, {1, 2, 50, 40}, {1, 2, 100, 200});
  EXPECT_THAT(result.axes, ElementsAre(Optional(0.0), std::nullopt));
  EXPECT_THAT(result.groups, ElementsAre(2, 0));
  EXPECT_THAT(result.mean, Optional(0.0));
}

TEST(GranulatedTau, TiedGroupsCountOnlyIfThereWasAnOrderToFind) {
  const std::vector<std::vector<int64_t>> places = {{0, 0}, {1, 0}, {0, 1}, {1, 1}, {0, 2}};
  // Column 0: y tied, says nothing. Column 1: x tied, 0. Column 2: one run, says nothing.
  const GranulatedTau result =
      granulated_tau(places, {false, false}, {1, 2, 3, 3, 9}, {5, 5, 1, 2, 9});
  EXPECT_THAT(result.axes[0], Optional(0.0));
  EXPECT_EQ(result.groups[0], 1);
}

TEST(GranulatedTau, IsNoneWithoutGroups) {
  const GranulatedTau result = granulated_tau({{0}}, {false}, {1}, {1});
  EXPECT_THAT(result.axes, ElementsAre(std::nullopt));
  EXPECT_EQ(result.mean, std::nullopt);
}

}  // namespace
}  // namespace valley::kendall_test
