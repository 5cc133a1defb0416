#include "valley/topology/random_graphs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "valley/core/error.h"
#include "valley/topology/spectrum.h"

namespace valley::random_graphs_test {
namespace {

using testing::ThrowsMessage;

std::unique_ptr<Topology> make(const std::string& name, int n, uint64_t seed = 0) {
  return make_topology(name, {.workers = n, .seed = seed});
}

TEST(Matching, PairsEveryoneButAnOddOne) {
  for (const int n : {2, 5, 8, 9}) {
    const auto topology = make("matching", n);
    for (int64_t t = 0; t < 50; ++t) {
      int resting = 0;
      for (int j = 0; j < n; ++j) {
        const Neighbourhood mine = topology->neighbourhood(t, j);
        if (mine.send.empty()) {
          EXPECT_EQ(mine, Neighbourhood());
          ++resting;
        } else {
          ASSERT_EQ(mine.send.size(), 1u);
          EXPECT_EQ(mine.self, 0.5);
          EXPECT_EQ(mine.receive, (std::vector<Neighbour>{{mine.send[0], 0.5}}));
        }
      }
      EXPECT_EQ(resting, n % 2);
    }
  }
}

// Four workers have three matchings, five have fifteen; each comes as often as the others.
TEST(Matching, IsUniform) {
  for (const auto& [n, matchings] : {std::pair{4, 3}, std::pair{5, 15}}) {
    constexpr int kDraws = 15000;
    const auto topology = make("matching", n, 1);
    std::map<std::vector<int>, int> count;
    for (int64_t t = 0; t < kDraws; ++t) {
      std::vector<int> partners;
      for (int j = 0; j < n; ++j) {
        const auto send = topology->neighbourhood(t, j).send;
        partners.push_back(send.empty() ? -1 : send[0]);
      }
      ++count[partners];
    }
    EXPECT_EQ(count.size(), static_cast<size_t>(matchings));
    const double expected = static_cast<double>(kDraws) / matchings;
    for (const auto& [partners, times] : count) {
      EXPECT_NEAR(times, expected, 5 * std::sqrt(expected)) << n;
    }
  }
}

// E ||d'||^2 / ||d||^2 = (n - 2) / (2 (n - 1)) for even n, and 1/2 for odd n.
TEST(Matching, ContractsAsComputed) {
  for (const int n : {4, 8, 16, 5}) {
    constexpr int kDraws = 20000;
    const auto topology = make("matching", n, 2);
    std::vector<double> d(static_cast<size_t>(n), 0.0);
    d[0] = 1;
    d[1] = -1;
    double sum = 0;
    for (int64_t t = 0; t < kDraws; ++t) {
      const MixingMatrix p = topology->matrix(t);
      for (int j = 0; j < n; ++j) sum += std::pow(p(j, 0) * d[0] + p(j, 1) * d[1], 2) / 2;
    }
    const double expected = n % 2 == 0 ? (n - 2.0) / (2 * (n - 1)) : 0.5;
    EXPECT_NEAR(sum / kDraws, expected, 0.015) << n;
  }
}

TEST(Matching, DependsOnTheSeed) {
  EXPECT_NE(make("matching", 8, 0)->matrix(0), make("matching", 8, 1)->matrix(0));
}

// E ||d'||^2 / ||d||^2 = (n - 2) / (2 (n - 1)), for odd n too, by all n - 1 hops there are.
TEST(OnePeerRandom, ContractsAsComputed) {
  for (const int n : {5, 8, 16}) {
    const auto topology = make("one-peer-random", n, 2);
    std::map<int, double> left;  // by hop
    for (int64_t t = 0; t < 400; ++t) {
      const MixingMatrix p = topology->matrix(t);
      const auto send = topology->neighbourhood(t, 0).send;
      ASSERT_EQ(send.size(), 1u);
      double& sum = left[send[0]] = 0;
      for (int j = 0; j < n; ++j) sum += std::pow(p(j, 0) - p(j, 1), 2) / 2;
    }
    ASSERT_EQ(left.size(), static_cast<size_t>(n - 1));
    double mean = 0;
    for (const auto& [hop, share] : left) mean += share / (n - 1);
    EXPECT_NEAR(mean, (n - 2.0) / (2 * (n - 1)), 1e-12) << n;
  }
}

TEST(EquiStatic, IsTheMeanOfShiftsAndMixesTheMoreOfThemThereAre) {
  for (const uint64_t seed : {0, 1, 2}) {
    const MixingMatrix p = make("equi-static:3", 10, seed)->matrix(0);
    EXPECT_NO_THROW(check_doubly_stochastic(p, "equi-static"));
    EXPECT_NEAR(p(4, 4), 0.1, 1e-15);
    for (int j = 0; j < 10; ++j) EXPECT_NEAR(p((j + 7) % 10, j), p(7, 0), 1e-15);
    EXPECT_LT(mixing_rate(make("equi-static:60", 10, seed)->matrix(0)), 0.35);
  }
  EXPECT_EQ(make("equi-static", 16)->cycle(), 1);
  EXPECT_LE(make("equi-static", 16)->neighbourhood(0, 3).send.size(), 4u);
}

TEST(EquiStatic, NamesWhatIsWrong) {
  EXPECT_THAT(
      [] { make("equi-static:0", 4); },
      ThrowsMessage<UsageError>("topology equi-static:M needs a whole number of others, got '0'"));
}

TEST(RandomGraph, IsConnectedAndFixed) {
  int edges = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const auto topology = make("random", 16, seed);
    EXPECT_EQ(topology->cycle(), 1);
    EXPECT_FALSE(topology->directed());
    EXPECT_TRUE(topology->graph(0).strongly_connected());
    EXPECT_LT(mixing_rate(topology->matrix(0)), 0.999);
    edges += topology->graph(0).edges();
  }
  // 2 ln 16 / 16 of 240 directed edges, up to 5 deviations of 40 x 120 draws, each counted twice
  const double p = 2 * std::log(16) / 16;
  EXPECT_NEAR(edges, 40 * 240 * p, 5 * 2 * std::sqrt(40 * 120 * p * (1 - p)));
  EXPECT_NE(make("random", 16, 0)->graph(0), make("random", 16, 1)->graph(0));
}

TEST(RandomGraph, TakesItsProbability) {
  EXPECT_EQ(make("random:1", 9)->graph(0).edges(), 72);
  EXPECT_LT(make("random:0.1", 30)->graph(0).edges(), 200);
  EXPECT_EQ(make("random:0.1", 1)->graph(0).edges(), 0);
}

TEST(RandomGraph, NamesWhatIsWrong) {
  for (const char* text : {"0", "-0.5", "1.5", "nan", "half", "0.5x"}) {
    EXPECT_THAT([&] { make(std::string("random:") + text, 4); },
                ThrowsMessage<UsageError>("topology random:PROBABILITY needs a number in (0, 1], "
                                          "got '" +
                                          std::string(text) + "'"));
  }
  EXPECT_THAT([] { make("random:0.001", 16); },
              ThrowsMessage<UsageError>("topology random:0.001 gave no connected graph of 16 "
                                        "workers in 1000 draws; raise the probability"));
}

TEST(RandomDirected, SendsToSoManyOthers) {
  for (const auto& [name, n, others] :
       {std::tuple{"random-directed", 8, 2}, std::tuple{"random-directed:1", 5, 1},
        std::tuple{"random-directed:3", 8, 3}, std::tuple{"random-directed", 2, 1}}) {
    const auto topology = make(name, n);
    for (int64_t t = 0; t < 30; ++t) {
      const Digraph graph = topology->graph(t);
      for (int j = 0; j < n; ++j) {
        EXPECT_EQ(graph.receivers(j).size(), static_cast<size_t>(others)) << name;
      }
      EXPECT_TRUE(graph.has(static_cast<int>(t % n), static_cast<int>((t + 1) % n)));
    }
  }
}

TEST(RandomDirected, IsConnectedOverAnyNSteps) {
  constexpr int kWorkers = 10;
  const auto topology = make("random-directed:1", kWorkers, 4);
  bool ever_apart = false;
  for (int64_t begin = 0; begin < 50; ++begin) {
    Digraph together(kWorkers);
    for (int64_t t = begin; t < begin + kWorkers; ++t) {
      const Digraph graph = topology->graph(t);
      ever_apart |= !graph.strongly_connected();
      for (int j = 0; j < kWorkers; ++j) {
        for (const int k : graph.receivers(j)) together.add(j, k);
      }
    }
    EXPECT_TRUE(together.strongly_connected());
  }
  EXPECT_TRUE(ever_apart);
}

TEST(RandomDirected, NeedsPushSum) {
  const auto topology = make("random-directed", 8);
  EXPECT_TRUE(topology->directed());
  EXPECT_FALSE(topology->doubly_stochastic());
  EXPECT_EQ(topology->cycle(), 0);
  // Sending to everyone is the complete graph.
  const auto complete = make("random-directed:7", 8);
  EXPECT_FALSE(complete->directed());
  EXPECT_TRUE(complete->doubly_stochastic());
  EXPECT_EQ(complete->matrix(3), make("complete", 8)->matrix(0));
}

TEST(RandomDirected, NamesWhatIsWrong) {
  for (const char* text : {"0", "8", "-1", "two", "1.5"}) {
    EXPECT_THAT([&] { make(std::string("random-directed:") + text, 8); },
                ThrowsMessage<UsageError>("topology random-directed:M needs a whole number of "
                                          "others from 1 to 7, got '" +
                                          std::string(text) + "'"));
  }
}

}  // namespace
}  // namespace valley::random_graphs_test
