#include "valley/topology/base_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "valley/core/error.h"
#include "valley/topology/test_matrices.h"

namespace valley::base_graph_test {
namespace {

MixingMatrix product(const std::vector<MixingMatrix>& matrices) {
  MixingMatrix result = MixingMatrix::identity(matrices.front().size());
  for (const MixingMatrix& p : matrices) result = p * result;
  return result;
}

TEST(BaseGraph, IsExactForAnyNumberOfWorkersWithAtMostKNeighbours) {
  for (int n = 2; n <= 32; ++n) {
    for (const int k : {1, 2, 3, 4, 31}) {
      SCOPED_TRACE(testing::Message() << n << " workers, k = " << k);
      const auto matrices = base_graph(n, k);
      EXPECT_LT(max_difference(product(matrices), MixingMatrix::averaging(n)), 1e-12);
      for (const MixingMatrix& p : matrices) {
        EXPECT_NO_THROW(check_doubly_stochastic(p, "base-graph"));
        EXPECT_TRUE(p.symmetric());
        const Digraph graph = support(p);
        for (int j = 0; j < n; ++j) EXPECT_LE(graph.receivers(j).size(), static_cast<size_t>(k));
      }
    }
  }
}

// n = 4 + 1: two steps inside, one across, two inside. 6 = 2 x 3 is shorter than 4 + 2. Powers of
// k + 1 and products of factors up to it need no more steps than there are factors.
TEST(BaseGraph, IsAsLongAsTheConstructionSays) {
  const std::map<std::pair<int, int>, size_t> lengths = {
      {{2, 1}, 1}, {{3, 1}, 3}, {{4, 1}, 2}, {{5, 1}, 5},  {{6, 1}, 4}, {{8, 1}, 3}, {{32, 1}, 5},
      {{3, 2}, 1}, {{6, 2}, 2}, {{7, 2}, 4}, {{27, 2}, 3}, {{8, 3}, 2}, {{9, 8}, 1}};
  for (const auto& [of, length] : lengths) {
    EXPECT_EQ(base_graph(of.first, of.second).size(), length) << of.first << ", " << of.second;
  }
}

// Two workers at their mean, the third with one of them at weight 2/3, and the two again.
TEST(BaseGraph, OfThree) {
  const auto matrices = base_graph(3, 1);
  EXPECT_EQ(matrices[0], matrices[2]);
  EXPECT_EQ(matrices[0](0, 1), 0.5);
  EXPECT_EQ(matrices[0](2, 2), 1);
  EXPECT_DOUBLE_EQ(matrices[1](2, 0), 2.0 / 3);
  EXPECT_DOUBLE_EQ(matrices[1](2, 2), 1.0 / 3);
  EXPECT_EQ(matrices[1](1, 1), 1);
}

TEST(BaseGraph, NamesWhatIsWrong) {
  for (const char* text : {"0", "-1", "two", "1.5"}) {
    EXPECT_THAT([&] { make_topology(std::string("base-graph:") + text, {.workers = 4}); },
                testing::ThrowsMessage<UsageError>(
                    "topology base-graph:K needs a whole number of neighbours, at least 1, got '" +
                    std::string(text) + "'"));
  }
}

}  // namespace
}  // namespace valley::base_graph_test
