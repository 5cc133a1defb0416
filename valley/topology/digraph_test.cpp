#include "valley/topology/digraph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "valley/core/error.h"

namespace valley::digraph_test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// 0 -> {1, 2}, 1 -> 2, 2 -> 0
Digraph three() {
  Digraph graph(3);
  graph.add(0, 1);
  graph.add(0, 2);
  graph.add(1, 2);
  graph.add(2, 0);
  return graph;
}

TEST(Digraph, KnowsWhoSendsToWhom) {
  Digraph graph = three();
  graph.add(1, 1);
  graph.add(0, 1);
  EXPECT_EQ(graph, three());
  EXPECT_EQ(graph.edges(), 4);
  EXPECT_THAT(graph.receivers(0), ElementsAre(1, 2));
  EXPECT_THAT(graph.senders(2), ElementsAre(0, 1));
  EXPECT_FALSE(graph.undirected());
  graph.add_both(1, 2);
  EXPECT_FALSE(graph.undirected());
  graph.add(1, 0);
  EXPECT_TRUE(graph.undirected());
}

TEST(Digraph, NeedsAWorker) {
  EXPECT_THAT([] { Digraph graph(-1); },
              testing::ThrowsMessage<UsageError>("a graph needs at least 1 worker, got -1"));
}

TEST(Digraph, Connectedness) {
  EXPECT_TRUE(Digraph(1).strongly_connected());
  EXPECT_FALSE(Digraph(2).strongly_connected());
  EXPECT_TRUE(three().strongly_connected());
  Digraph path(4);
  path.add(0, 1);
  path.add(1, 2);
  path.add(2, 3);
  EXPECT_EQ(path.unreachable_from(0), -1);
  EXPECT_EQ(path.unreachable_from(1), 0);
  EXPECT_FALSE(path.strongly_connected());
  path.add(3, 0);
  EXPECT_TRUE(path.strongly_connected());
}

TEST(Digraph, SidesHaveAllEdgesBetweenThem) {
  const auto ring = [](int n) {
    Digraph graph(n);
    for (int k = 0; k < n; ++k) graph.add(k, (k + 1) % n);
    return graph;
  };
  EXPECT_THAT(ring(4).sides().value(), ElementsAre(1, 0, 1, 0));
  EXPECT_EQ(ring(5).sides(), std::nullopt);
  EXPECT_EQ(three().sides(), std::nullopt);
  EXPECT_THAT(Digraph(1).sides().value(), ElementsAre(1));
  Digraph star(4);
  for (int leaf = 1; leaf < 4; ++leaf) star.add_both(0, leaf);
  EXPECT_THAT(star.sides().value(), ElementsAre(0, 1, 1, 1));
  Digraph parts(4);  // not connected: each part has sides of its own
  parts.add_both(0, 1);
  parts.add_both(2, 3);
  EXPECT_THAT(parts.sides().value(), ElementsAre(1, 0, 1, 0));
}

TEST(Digraph, SupportIsWhereTheWeightsAre) {
  MixingMatrix p = MixingMatrix::identity(3);
  p(2, 0) = 0.5;
  const Digraph graph = support(p);
  EXPECT_EQ(graph.edges(), 1);
  EXPECT_TRUE(graph.has(0, 2));
  EXPECT_EQ(support(column_stochastic(three())), three());
  EXPECT_EQ(support(row_stochastic(three())), three());
}

TEST(Weights, MetropolisOnAPath) {
  Digraph path(3);
  path.add_both(0, 1);
  path.add_both(1, 2);
  const MixingMatrix p = metropolis(path);
  const double third = 1.0 / 3;
  const double expected[3][3] = {
      {2 * third, third, 0}, {third, third, third}, {0, third, 2 * third}};
  for (int j = 0; j < 3; ++j) {
    for (int k = 0; k < 3; ++k) EXPECT_DOUBLE_EQ(p(j, k), expected[j][k]) << j << " " << k;
  }
  EXPECT_TRUE(p.symmetric());
}

TEST(Weights, RowsOrColumnsSumToOne) {
  const MixingMatrix rows = row_stochastic(three()), columns = column_stochastic(three());
  for (int j = 0; j < 3; ++j) {
    EXPECT_DOUBLE_EQ(rows.row_sum(j), 1);
    EXPECT_DOUBLE_EQ(columns.column_sum(j), 1);
  }
  EXPECT_DOUBLE_EQ(rows(2, 1), 1.0 / 3);
  EXPECT_DOUBLE_EQ(rows(0, 2), 1.0 / 2);
  EXPECT_DOUBLE_EQ(columns(1, 0), 1.0 / 3);
  EXPECT_DOUBLE_EQ(columns(0, 2), 1.0 / 2);
  EXPECT_EQ(columns(0, 1), 0);
}

// x <- P x, w <- P w; x / w is the mean in the end, and the sum of w never changes.
TEST(Weights, PushSumFindsTheMeanWithColumns) {
  const MixingMatrix p = column_stochastic(three());
  std::vector<double> x = {3, 0, 9}, w = {1, 1, 1};
  const auto mix = [&](const std::vector<double>& v) {
    std::vector<double> result(3, 0.0);
    for (int j = 0; j < 3; ++j) {
      for (int k = 0; k < 3; ++k)
        result[static_cast<size_t>(j)] += p(j, k) * v[static_cast<size_t>(k)];
    }
    return result;
  };
  for (int t = 0; t < 200; ++t) {
    x = mix(x);
    w = mix(w);
    EXPECT_NEAR(w[0] + w[1] + w[2], 3, 1e-13);
  }
  const double x_limit[] = {4, 8.0 / 3, 16.0 / 3}, w_limit[] = {1, 2.0 / 3, 4.0 / 3};
  for (size_t j = 0; j < 3; ++j) {
    EXPECT_NEAR(x[j], x_limit[j], 1e-12);
    EXPECT_NEAR(w[j], w_limit[j], 1e-12);
    EXPECT_NEAR(x[j] / w[j], 4, 1e-12);
  }
}

}  // namespace
}  // namespace valley::digraph_test
