#include "valley/topology/facts.h"

#include <gtest/gtest.h>

#include <cmath>

#include "valley/topology/spectrum.h"

namespace valley::facts_test {
namespace {

std::unique_ptr<Topology> make(const std::string& name, int n, uint64_t seed = 0) {
  return make_topology(name, {.workers = n, .seed = seed});
}

TEST(Facts, OfARing) {
  const TopologyFacts facts = analyse(*make("ring", 16));
  EXPECT_EQ(facts.fewest_messages, 2);
  EXPECT_EQ(facts.most_messages, 2);
  EXPECT_DOUBLE_EQ(facts.mean_messages, 2);
  EXPECT_NEAR(*facts.rate, .949253, 6e-7);
  EXPECT_EQ(facts.rate, facts.cycle_rate);
  EXPECT_NEAR(*facts.lambda_min, -1.0 / 3, 1e-12);
  EXPECT_NEAR(*facts.awc_limit, 2.0 / 3, 1e-12);
  EXPECT_EQ(facts.steps_to_thousandth, std::ceil(std::log(1e-3) / std::log(*facts.rate)));
  EXPECT_EQ(facts.steps_to_millionth, std::ceil(std::log(1e-6) / std::log(*facts.rate)));
  EXPECT_FALSE(facts.exact_after);
}

TEST(Facts, OfTheCompleteGraph) {
  const TopologyFacts facts = analyse(*make("complete", 7));
  EXPECT_EQ(facts.most_messages, 6);
  EXPECT_EQ(facts.rate, 0);
  EXPECT_EQ(facts.exact_after, 1);
  EXPECT_EQ(facts.steps_to_thousandth, 1);
  EXPECT_EQ(facts.steps_to_millionth, 1);
  EXPECT_NEAR(*facts.awc_limit, 1, 1e-12);
}

TEST(Facts, OfAStar) {
  const TopologyFacts facts = analyse(*make("star", 6));
  EXPECT_EQ(facts.fewest_messages, 1);
  EXPECT_EQ(facts.most_messages, 5);
  EXPECT_DOUBLE_EQ(facts.mean_messages, 10.0 / 6);
}

TEST(Facts, OfCycles) {
  const TopologyFacts facts = analyse(*make("one-peer-exponential", 16));
  EXPECT_EQ(facts.exact_after, 4);
  EXPECT_EQ(facts.cycle_rate, 0);
  EXPECT_EQ(facts.steps_to_thousandth, 4);
  EXPECT_FALSE(facts.lambda_min);
  EXPECT_EQ(facts.most_messages, 1);

  const auto six = make("one-peer-exponential", 6);
  const TopologyFacts near = analyse(*six);
  EXPECT_FALSE(near.exact_after);
  EXPECT_NEAR(*near.rate, std::cbrt(*near.cycle_rate), 1e-12);
  MixingMatrix product = MixingMatrix::identity(6);
  int64_t t = 0;
  while (disagreement(product) > 1e-6) product = six->matrix(t++) * product;
  EXPECT_EQ(near.steps_to_millionth, t);
}

TEST(Facts, OfOneWorker) {
  const TopologyFacts facts = analyse(*make("ring", 1));
  EXPECT_EQ(facts.most_messages, 0);
  EXPECT_EQ(facts.rate, 0);
  EXPECT_EQ(facts.exact_after, 1);
}

// mu = (n - 2) / (2 (n - 1)); awc in mean square: mu (1 - 2 c) + c^2 < 1.
TEST(Facts, OfAMatching) {
  const TopologyFacts facts = analyse(*make("matching", 16));
  const double mu = 7.0 / 15;
  EXPECT_NEAR(*facts.rate, std::sqrt(mu), 1e-12);
  const double limit = *facts.awc_limit;
  EXPECT_NEAR(mu * (1 - 2 * limit) + limit * limit, 1, 1e-12);
  EXPECT_NEAR(limit, 4.0 / 3, 1e-12);
  EXPECT_FALSE(facts.cycle_rate);
  EXPECT_FALSE(facts.lambda_min);
  EXPECT_FALSE(facts.exact_after);
  // 18.1 and 36.3 by the mean square; one sequence differs.
  EXPECT_NEAR(static_cast<double>(*facts.steps_to_thousandth), 18, 9);
  EXPECT_NEAR(static_cast<double>(*facts.steps_to_millionth), 36, 12);
  const TopologyFacts odd = analyse(*make("matching", 5));
  EXPECT_NEAR(*odd.rate, std::sqrt(0.5), 1e-12);
  EXPECT_EQ(odd.fewest_messages, 0);
  EXPECT_NEAR(odd.mean_messages, 0.8, 1e-12);
}

// Awc on f = x^2 / 2 with random pairs: 16 workers, in mean square over many sequences.
TEST(Facts, AwcInMeanSquareIsMeasured) {
  constexpr int kWorkers = 16;
  const double mu = 7.0 / 15, c = 0.9;
  double sum = 0;
  constexpr int kDraws = 4000;
  const auto topology = make("matching", kWorkers, 9);
  for (int64_t t = 0; t < kDraws; ++t) {
    const MixingMatrix p = topology->matrix(t);
    double square = 0;
    for (int j = 0; j < kWorkers; ++j) {
      const double start = j == 3 ? 1 : j == 8 ? -1 : 0;
      square += std::pow(p(j, 3) - p(j, 8) - c * start, 2);
    }
    sum += square / 2;
  }
  EXPECT_NEAR(sum / kDraws, mu * (1 - 2 * c) + c * c, 0.03);
}

TEST(Facts, OfPushSum) {
  const TopologyFacts facts = analyse(*make("random-directed", 12));
  EXPECT_FALSE(facts.rate);
  EXPECT_FALSE(facts.awc_limit);
  EXPECT_EQ(facts.most_messages, 2);
  EXPECT_GT(*facts.steps_to_thousandth, 3);
  EXPECT_GT(*facts.steps_to_millionth, *facts.steps_to_thousandth);
  EXPECT_LT(*facts.steps_to_millionth, 100);
}

TEST(Facts, OfWorkersThatNeverMeet) {
  const auto alone = repeat({MixingMatrix::identity(4)});
  const TopologyFacts facts = analyse(*alone);
  EXPECT_NEAR(*facts.rate, 1, 1e-12);
  EXPECT_FALSE(facts.steps_to_thousandth);
  EXPECT_NEAR(*facts.awc_limit, 2, 1e-12);
}

TEST(StepsToConsensus, StopsWhereItIsTold) {
  const auto ring = make("ring", 16);
  const int64_t needed = *steps_to_consensus(*ring, 1e-3, 1000);
  EXPECT_EQ(steps_to_consensus(*ring, 1e-3, needed), needed);
  EXPECT_EQ(steps_to_consensus(*ring, 1e-3, needed - 1), std::nullopt);
}

TEST(Follow, SaysWhatIsLeftAfterEveryStep) {
  const auto topology = make("one-peer-exponential", 8);
  const std::vector<StepFacts> steps = follow(*topology, 3);
  ASSERT_EQ(steps.size(), 3u);
  for (const StepFacts& step : steps) EXPECT_EQ(step.messages, 8);
  EXPECT_NEAR(steps[0].left, steps[0].rate, 1e-12);
  EXPECT_LT(steps[1].left, steps[0].left);
  EXPECT_GT(steps[1].left, 0.1);
  EXPECT_LT(steps[2].left, 1e-12);  // exact after its cycle
}

// Columns that sum to 1 are enough for x / w.
TEST(Disagreement, IsThatOfPushSum) {
  Digraph graph(3);
  graph.add(0, 1);
  graph.add(0, 2);
  graph.add(1, 2);
  graph.add(2, 0);
  const MixingMatrix p = column_stochastic(graph);
  MixingMatrix product = MixingMatrix::identity(3);
  EXPECT_NEAR(disagreement(product), 1, 1e-12);
  for (int t = 0; t < 100; ++t) product = p * product;
  EXPECT_LT(disagreement(product), 1e-12);
  EXPECT_GT(spectral_norm(add(product, -1, MixingMatrix::averaging(3))), 0.1);
  const TopologyFacts facts = analyse(*repeat({p}));
  EXPECT_NEAR(*facts.rate, spectral_radius(add(p, -1, MixingMatrix::averaging(3))), 1e-12);
  EXPECT_FALSE(facts.awc_limit);
}

}  // namespace
}  // namespace valley::facts_test
