#include "valley/topology/shapes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace valley::shapes_test {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(Shapes, CountOfDirectedEdges) {
  EXPECT_EQ(complete_graph(5).edges(), 20);
  EXPECT_EQ(ring_graph(5).edges(), 10);
  EXPECT_EQ(ring_graph(2).edges(), 2);
  EXPECT_EQ(ring_graph(1).edges(), 0);
  EXPECT_EQ(directed_ring_graph(5).edges(), 5);
  EXPECT_EQ(exponential_graph(5).edges(), 15);
  EXPECT_EQ(exponential_graph(8).edges(), 24);
  EXPECT_EQ(hop_graph(6, 4).edges(), 6);
  EXPECT_EQ(hypercube_graph(8).edges(), 24);
  EXPECT_EQ(flip_graph(8, 4).edges(), 8);
  EXPECT_EQ(grid_graph(12).edges(), 2 * (3 * 3 + 2 * 4));
  EXPECT_EQ(torus_graph(12).edges(), 4 * 12);
  EXPECT_EQ(star_graph(6).edges(), 10);
}

TEST(Shapes, AreConnected) {
  for (const int n : {1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 16}) {
    EXPECT_TRUE(ring_graph(n).strongly_connected()) << n;
    EXPECT_TRUE(directed_ring_graph(n).strongly_connected()) << n;
    EXPECT_TRUE(exponential_graph(n).strongly_connected()) << n;
    EXPECT_TRUE(grid_graph(n).strongly_connected()) << n;
    EXPECT_TRUE(torus_graph(n).strongly_connected()) << n;
    EXPECT_TRUE(star_graph(n).strongly_connected()) << n;
  }
  EXPECT_FALSE(hop_graph(6, 2).strongly_connected());
  EXPECT_FALSE(flip_graph(4, 1).strongly_connected());
}

TEST(Shapes, LatticesAreAsSquareAsTheyCanBe) {
  EXPECT_THAT(lattice(16), Pair(4, 4));
  EXPECT_THAT(lattice(12), Pair(3, 4));
  EXPECT_THAT(lattice(18), Pair(3, 6));
  EXPECT_THAT(lattice(7), Pair(1, 7));
  EXPECT_THAT(lattice(2), Pair(1, 2));
  EXPECT_THAT(lattice(1), Pair(1, 1));
}

TEST(Shapes, NeighboursOnLattices) {
  // 0  1  2  3
  // 4  5  6  7
  // 8  9 10 11
  EXPECT_THAT(grid_graph(12).receivers(0), ElementsAre(1, 4));
  EXPECT_THAT(grid_graph(12).receivers(6), ElementsAre(2, 5, 7, 10));
  EXPECT_THAT(torus_graph(12).receivers(0), ElementsAre(1, 3, 4, 8));
  EXPECT_THAT(torus_graph(12).receivers(6), ElementsAre(2, 5, 7, 10));
  // A prime number of workers stands in one row: a path, a ring.
  EXPECT_THAT(grid_graph(5).receivers(0), ElementsAre(1));
  EXPECT_EQ(torus_graph(5), ring_graph(5));
  // Two rows: above and below is the same worker.
  EXPECT_THAT(torus_graph(6).receivers(1), ElementsAre(0, 2, 4));
}

TEST(Shapes, NeighboursInAHypercube) {
  EXPECT_THAT(hypercube_graph(8).receivers(5), ElementsAre(1, 4, 7));
  EXPECT_THAT(flip_graph(8, 2).receivers(5), ElementsAre(7));
}

}  // namespace
}  // namespace valley::shapes_test
