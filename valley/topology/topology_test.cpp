#include "valley/topology/topology.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <stdexcept>

#include "valley/core/error.h"
#include "valley/topology/spectrum.h"
#include "valley/topology/test_matrices.h"

namespace valley::topology_test {
namespace {

using testing::ElementsAre;
using testing::ThrowsMessage;

std::unique_ptr<Topology> make(const std::string& name, int n, uint64_t seed = 0) {
  return make_topology(name, {.workers = n, .seed = seed});
}

// Every row of the table that needs no file, with every number of workers it can have.
void for_each_topology(const std::function<void(const TopologyEntry&, int)>& check) {
  for (const auto& entry : topologies()) {
    if (entry.needs_argument) continue;
    for (const int n : {1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 16}) {
      if (!entry.needs.empty() && (n & (n - 1)) != 0) continue;
      SCOPED_TRACE(entry.name + " of " + std::to_string(n));
      check(entry, n);
    }
  }
}

// --- The contract: every row of the registry keeps it. ---

TEST(EveryTopology, IsStochastic) {
  for_each_topology([](const TopologyEntry& entry, int n) {
    const auto topology = make(entry.name, n, 7);
    ASSERT_EQ(topology->workers(), n);
    bool directed = false;
    for (int64_t t = 0; t < 12; ++t) {
      const MixingMatrix p = topology->matrix(t);
      ASSERT_EQ(p.size(), n);
      directed |= !p.symmetric();
      for (int j = 0; j < n; ++j) {
        EXPECT_NEAR(p.column_sum(j), 1, 1e-12);
        EXPECT_GT(p(j, j), 0);
        for (int k = 0; k < n; ++k) EXPECT_GE(p(j, k), 0);
      }
      if (topology->doubly_stochastic()) {
        EXPECT_NO_THROW(check_doubly_stochastic(p, entry.name));
      }
    }
    EXPECT_EQ(topology->directed(), directed);
  });
}

TEST(EveryTopology, KeepsTheMeanAndReachesIt) {
  for_each_topology([](const TopologyEntry& entry, int n) {
    const auto topology = make(entry.name, n, 3);
    std::vector<double> x(static_cast<size_t>(n)), w(static_cast<size_t>(n), 1.0);
    double mean = 0;
    for (int j = 0; j < n; ++j) mean += (x[static_cast<size_t>(j)] = std::sin(1.0 + j)) / n;
    for (int64_t t = 0; t < 2000; ++t) {
      std::vector<double> next_x(x.size(), 0.0), next_w(w.size(), 0.0);
      for (int rank = 0; rank < n; ++rank) {
        const auto [self, receive, send] = topology->neighbourhood(t, rank);
        const auto j = static_cast<size_t>(rank);
        next_x[j] = self * x[j];
        next_w[j] = self * w[j];
        for (const auto& [from, weight] : receive) {
          next_x[j] += weight * x[static_cast<size_t>(from)];
          next_w[j] += weight * w[static_cast<size_t>(from)];
        }
      }
      x = next_x;
      w = next_w;
    }
    for (size_t j = 0; j < x.size(); ++j) {
      EXPECT_NEAR(x[j] / w[j], mean, 1e-12);
      if (topology->doubly_stochastic()) {
        EXPECT_NEAR(w[j], 1, 1e-12);
      }
    }
  });
}

TEST(EveryTopology, RepeatsAfterItsCycle) {
  for_each_topology([](const TopologyEntry& entry, int n) {
    const auto topology = make(entry.name, n);
    const int64_t cycle = topology->cycle();
    if (cycle == 0) {
      bool changes = false;
      for (int64_t t = 1; t < 12; ++t) changes |= topology->matrix(t) != topology->matrix(0);
      EXPECT_TRUE(changes);
      return;
    }
    for (int64_t t = 0; t < 2 * cycle; ++t) {
      EXPECT_EQ(topology->matrix(t), topology->matrix(t + cycle));
    }
    for (int64_t sooner = 1; sooner < cycle; ++sooner) {
      bool differs = false;
      for (int64_t t = 0; t < cycle; ++t) {
        differs |= topology->matrix(t) != topology->matrix(t + sooner);
      }
      EXPECT_TRUE(differs) << "repeats after " << sooner;
    }
  });
}

// Workers that never talk about it agree, in whatever order they ask.
TEST(EveryTopology, FollowsFromTheSeed) {
  for_each_topology([](const TopologyEntry& entry, int n) {
    const auto one = make(entry.name, n, 5), two = make(entry.name, n, 5);
    for (int64_t t = 0; t < 10; ++t) one->matrix(t);
    for (int64_t t = 9; t >= 0; --t) EXPECT_EQ(one->matrix(t), two->matrix(t));
  });
}

TEST(EveryTopology, HasNeighbourhoodsThatAgreeWithTheMatrix) {
  for_each_topology([](const TopologyEntry& entry, int n) {
    const auto topology = make(entry.name, n, 1);
    for (int64_t t = 0; t < 5; ++t) {
      const MixingMatrix p = topology->matrix(t);
      MixingMatrix rebuilt(n);
      Digraph sent(n), received(n);
      for (int rank = 0; rank < n; ++rank) {
        const Neighbourhood mine = topology->neighbourhood(t, rank);
        rebuilt(rank, rank) = mine.self;
        int before = -1;
        for (const auto& [from, weight] : mine.receive) {
          EXPECT_GT(from, before);
          EXPECT_NE(from, rank);
          EXPECT_GT(weight, 0);
          before = from;
          rebuilt(rank, from) = weight;
          received.add(from, rank);
        }
        EXPECT_TRUE(std::is_sorted(mine.send.begin(), mine.send.end()));
        for (const int to : mine.send) sent.add(rank, to);
      }
      EXPECT_EQ(rebuilt, p);
      EXPECT_EQ(sent, received);
      EXPECT_EQ(sent, topology->graph(t));
    }
  });
}

TEST(EveryTopology, OfOneWorkerIsTheWorkerAlone) {
  for (const auto& entry : topologies()) {
    if (entry.needs_argument) continue;
    SCOPED_TRACE(entry.name);
    const auto topology = make(entry.name, 1);
    EXPECT_EQ(topology->cycle(), 1);
    EXPECT_TRUE(topology->doubly_stochastic());
    EXPECT_EQ(topology->neighbourhood(3, 0), Neighbourhood());
  }
}

// --- One by one ---

TEST(Topology, NeighboursOfARing) {
  const auto ring = make("ring", 5);
  const double third = 1.0 / 3;
  const Neighbourhood expected{third, {{1, third}, {4, third}}, {1, 4}};
  EXPECT_EQ(ring->neighbourhood(0, 0), expected);
  EXPECT_EQ(ring->cycle(), 1);
  EXPECT_FALSE(ring->directed());
  // Two workers have one neighbour each, not the same one twice.
  EXPECT_EQ(make("ring", 2)->neighbourhood(0, 0), (Neighbourhood{0.5, {{1, 0.5}}, {1}}));
}

TEST(Topology, ADirectedRingSendsOn) {
  const auto ring = make("directed-ring", 4);
  EXPECT_EQ(ring->neighbourhood(9, 0), (Neighbourhood{0.5, {{3, 0.5}}, {1}}));
  EXPECT_TRUE(ring->directed());
}

TEST(Topology, OnePeerExponentialHops) {
  const auto topology = make("one-peer-exponential", 12);
  EXPECT_EQ(topology->cycle(), 4);
  for (int64_t t = 0; t < 8; ++t) {
    EXPECT_THAT(topology->neighbourhood(t, 11).send, ElementsAre((11 + (1 << (t % 4))) % 12));
  }
}

MixingMatrix product(const Topology& topology, int64_t phase) {
  MixingMatrix result = MixingMatrix::identity(topology.workers());
  for (int64_t t = phase; t < phase + topology.cycle(); ++t) result = topology.matrix(t) * result;
  return result;
}

TEST(Topology, OnePeersAverageExactlyFromAnyPhase) {
  for (const char* name : {"one-peer-exponential", "one-peer-hypercube"}) {
    for (const int n : {2, 4, 8, 16, 64}) {
      const auto topology = make(name, n);
      for (int64_t phase = 0; phase < topology->cycle(); ++phase) {
        EXPECT_LT(max_difference(product(*topology, phase), MixingMatrix::averaging(n)), 1e-15)
            << name << " " << n << " " << phase;
      }
    }
  }
}

TEST(Topology, OnePeerExponentialIsNearOtherwise) {
  EXPECT_NEAR(
      max_difference(product(*make("one-peer-exponential", 6), 0), MixingMatrix::averaging(6)),
      1.0 / 12, 1e-15);
  EXPECT_NEAR(
      max_difference(product(*make("one-peer-exponential", 12), 0), MixingMatrix::averaging(12)),
      1.0 / 24, 1e-15);
}

// ||x - mean|| <= rho^t ||x_0 - mean||, with equality on the slowest eigenvector.
TEST(Topology, ConsensusDecaysWithRho) {
  constexpr int kWorkers = 8, kSteps = 20;
  const auto ring = make("ring", kWorkers);
  const double rho = mixing_rate(ring->matrix(0));
  const auto decay = [&](const std::function<double(int)>& start) {
    MixingMatrix x(kWorkers);  // the start in every column
    for (int j = 0; j < kWorkers; ++j) {
      for (int k = 0; k < kWorkers; ++k) x(j, k) = start(j);
    }
    const auto distance = [&] {
      double sum = 0;
      for (int j = 0; j < kWorkers; ++j) sum += std::pow(x(j, 0) - x.column_sum(0) / kWorkers, 2);
      return std::sqrt(sum);
    };
    const double before = distance(), mean = x.column_sum(0);
    for (int t = 0; t < kSteps; ++t) x = ring->matrix(t) * x;
    EXPECT_NEAR(x.column_sum(0), mean, 1e-12);
    return distance() / before;
  };
  EXPECT_NEAR(decay([](int j) { return 3 + std::cos(std::acos(-1.0) * j / 4); }),
              std::pow(rho, kSteps), 1e-12);
  EXPECT_LT(decay([](int j) { return j * j; }), std::pow(rho, kSteps));
}

TEST(Repeat, WantsMatricesOfOneSize) {
  EXPECT_THROW(repeat({}), std::invalid_argument);
  EXPECT_THROW(repeat({MixingMatrix(2), MixingMatrix(3)}), std::invalid_argument);
}

// --- Errors ---

TEST(MakeTopology, NamesWhatItCannotDo) {
  const auto refuses = [](const std::string& name, int n, const std::string& message) {
    EXPECT_THAT([&] { make(name, n); }, ThrowsMessage<UsageError>(message));
  };
  refuses("ring", 0, "workers must be at least 1, got 0");
  refuses("hypercube", 6, "topology hypercube needs a power of two workers, got 6");
  refuses("one-peer-hypercube", 12,
          "topology one-peer-hypercube needs a power of two workers, got 12");
  refuses("ring:3", 4, "topology ring takes nothing after a colon, got '3'");
  refuses("ring:", 4, "topology ring takes nothing after a colon, got ''");
  refuses("random:", 4, "topology random: has nothing after the colon");
  refuses("matrix", 4, "topology matrix needs a file: matrix:PATH");
  refuses("matrix:", 4, "topology matrix: has nothing after the colon");
  refuses("edges", 4, "topology edges needs a file: edges:PATH");
  refuses("edges-directed", 4, "topology edges-directed needs a file: edges-directed:PATH");
  std::string known;
  for (const auto& entry : topologies()) known += (known.empty() ? "" : ", ") + entry.name;
  refuses("rign", 4, "unknown topology 'rign'; did you mean 'ring'? known: " + known);
}

}  // namespace
}  // namespace valley::topology_test
