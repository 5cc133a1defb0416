#include "valley/study/ranking.h"

#include <gtest/gtest.h>

namespace valley::ranking_test {
namespace {

const std::vector<ConfigAxis> kAxes = {{"lr", {0.1, 0.2}}, {"seed", {int64_t{0}, int64_t{1}}}};

// A run for every place of the grid.
std::vector<RankedRun> runs(const std::vector<double>& sharpness, const std::vector<double>& gap) {
  std::vector<RankedRun> result;
  for (size_t i = 0; i < sharpness.size(); ++i) {
    result.push_back({{int64_t(i / 2), int64_t(i % 2)}, sharpness[i], gap[i]});
  }
  return result;
}

TEST(Ranking, ASmallValueOfAnInverseMeasureIsSharp) {
  const auto grid = runs({4, 3, 2, 1}, {0.1, 0.2, 0.3, 0.4});
  EXPECT_EQ(*rank_measure("m", false, grid, kAxes).tau, 1);
  const MeasureRank rank = rank_measure("m", true, grid, kAxes);
  EXPECT_EQ(rank.measure, "m");
  EXPECT_EQ(rank.runs, 4u);
  EXPECT_EQ(*rank.tau, -1);
  EXPECT_EQ(*rank.granulated, -1);
  EXPECT_EQ(rank.groups_by_axis[0], 2);
  EXPECT_FALSE(rank.granulated_by_axis[1]) << "seeds have no order";
  EXPECT_FALSE(rank.standard_error) << "too few runs";
}

TEST(Ranking, NeedsFourRuns) {
  const MeasureRank rank = rank_measure("m", true, runs({1, 2, 3}, {1, 2, 3}), kAxes);
  EXPECT_EQ(rank.runs, 3u);
  EXPECT_FALSE(rank.tau || rank.granulated);
  EXPECT_EQ(rank.granulated_by_axis.size(), 2u);
}

}  // namespace
}  // namespace valley::ranking_test
