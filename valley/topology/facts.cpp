#include "valley/topology/facts.h"

#include <algorithm>
#include <cmath>

#include "valley/topology/spectrum.h"

namespace valley {
namespace {

// A random topology is judged by this many of its steps.
constexpr int64_t kSample = 2000;
// It is at 1e-6 long before; one that is not would take minutes to follow.
constexpr int64_t kMostRandomSteps = 10'000;
// What rounding leaves of a distance that is 0.
constexpr double kRounding = 1e-12;

MixingMatrix product_of(const Topology& topology, int64_t from, int64_t steps) {
  MixingMatrix product = MixingMatrix::identity(topology.workers());
  for (int64_t t = from; t < from + steps; ++t) product = topology.matrix(t) * product;
  return product;
}

// product - J, or what push-sum makes of it.
MixingMatrix left_over(const MixingMatrix& product) {
  MixingMatrix left = product;
  for (int j = 0; j < product.size(); ++j) {
    const double weight = product.row_sum(j);
    for (int k = 0; k < product.size(); ++k)
      left(j, k) = product(j, k) / weight - 1.0 / left.size();
  }
  return left;
}

// disagreement(product) < share: whether the powers of L^T L / share^2 vanish, L what is left.
bool agrees(const MixingMatrix& product, double share) {
  const MixingMatrix left = scaled(left_over(product), 1 / share);
  return powers_vanish(left.transposed() * left);
}

void count_messages(const Topology& topology, int64_t steps, TopologyFacts& facts) {
  const int n = topology.workers();
  facts.fewest_messages = n;
  int64_t all = 0;
  for (int64_t t = 0; t < steps; ++t) {
    const Digraph graph = topology.graph(t);
    for (int j = 0; j < n; ++j) {
      const int messages = static_cast<int>(graph.receivers(j).size());
      facts.fewest_messages = std::min(facts.fewest_messages, messages);
      facts.most_messages = std::max(facts.most_messages, messages);
      all += messages;
    }
  }
  facts.mean_messages = static_cast<double>(all) / static_cast<double>(steps * n);
}

bool exact_from_any_phase(const Topology& topology) {
  for (int64_t phase = 0; phase < topology.cycle(); ++phase) {
    if (!agrees(product_of(topology, phase, topology.cycle()), kRounding)) return false;
  }
  return true;
}

void analyse_cycle(const Topology& topology, TopologyFacts& facts) {
  const int64_t cycle = topology.cycle();
  const MixingMatrix product = product_of(topology, 0, cycle);
  if (topology.doubly_stochastic()) {
    facts.cycle_rate = mixing_rate(product);
    std::vector<MixingMatrix> matrices;
    for (int64_t t = 0; t < cycle; ++t) matrices.push_back(topology.matrix(t));
    facts.awc_limit = awc_limit(matrices);
  } else {
    // J takes the eigenvalue 1 away and leaves the others, for the columns of both sum to 1.
    facts.cycle_rate = spectral_radius(add(product, -1, MixingMatrix::averaging(product.size())));
  }
  if (*facts.cycle_rate < kRounding) facts.cycle_rate = 0;
  facts.rate = std::pow(*facts.cycle_rate, 1.0 / static_cast<double>(cycle));
  if (cycle == 1) facts.lambda_min = lambda_min(product);
  if (exact_from_any_phase(topology)) facts.exact_after = cycle;
}

void analyse_random(const Topology& topology, TopologyFacts& facts) {
  if (!topology.doubly_stochastic()) return;
  // Means over directions d are traces, and no direction is special when the workers are drawn.
  const int n = topology.workers();
  double m1 = 0, m2 = 0;
  for (int64_t t = 0; t < kSample; ++t) {
    const MixingMatrix p = topology.matrix(t);
    for (int j = 0; j < n; ++j) m1 += p(j, j);
    m1 -= 1;
    m2 += square_sum(p) - 1;
  }
  m1 /= static_cast<double>(kSample * (n - 1));
  m2 /= static_cast<double>(kSample * (n - 1));
  facts.rate = std::sqrt(m2);
  facts.awc_limit = m1 + std::sqrt(m1 * m1 - m2 + 1);
}

}  // namespace

double disagreement(const MixingMatrix& product) { return spectral_norm(left_over(product)); }

std::optional<int64_t> steps_to_consensus(const Topology& topology, double share, int64_t most) {
  const int64_t cycle = topology.cycle();
  MixingMatrix product = MixingMatrix::identity(topology.workers());
  int64_t done = 0;
  if (cycle > 0) {
    // The largest number of whole cycles that does not suffice, bit by bit from its powers of two.
    std::vector<MixingMatrix> powers = {product_of(topology, 0, cycle)};
    for (int64_t steps = cycle; steps <= most && !agrees(powers.back(), share); steps *= 2) {
      powers.push_back(powers.back() * powers.back());
    }
    for (size_t bit = powers.size(); bit-- > 0;) {
      const MixingMatrix further = powers[bit] * product;
      if (agrees(further, share)) continue;
      product = further;
      done += cycle << bit;
    }
  }
  for (; done < most; ++done) {
    product = topology.matrix(done) * product;
    if (agrees(product, share)) return done + 1;
  }
  return std::nullopt;
}

std::vector<StepFacts> follow(const Topology& topology, int64_t steps) {
  std::vector<StepFacts> result;
  MixingMatrix product = MixingMatrix::identity(topology.workers());
  for (int64_t t = 0; t < steps; ++t) {
    const MixingMatrix p = topology.matrix(t);
    product = p * product;
    result.push_back({support(p).edges(), disagreement(p), disagreement(product)});
  }
  return result;
}

TopologyFacts analyse(const Topology& topology) {
  const bool random = topology.cycle() == 0;
  TopologyFacts facts;
  count_messages(topology, random ? kSample : topology.cycle(), facts);
  if (random) {
    analyse_random(topology, facts);
  } else {
    analyse_cycle(topology, facts);
  }
  const int64_t most = random ? kMostRandomSteps : TopologyFacts::kMostSteps;
  if (facts.rate.value_or(0) < 1 - kRounding) {
    facts.steps_to_thousandth = steps_to_consensus(topology, 1e-3, most);
    facts.steps_to_millionth = steps_to_consensus(topology, 1e-6, most);
  }
  return facts;
}

}  // namespace valley
