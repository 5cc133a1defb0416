#include "valley/topology/random_graphs.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numeric>
#include <utility>

#include "valley/core/error.h"
#include "valley/core/numbers.h"
#include "valley/core/random.h"
#include "valley/core/shuffle.h"
#include "valley/topology/shapes.h"

namespace valley {
namespace {

// 0 .. n - 1 in random order.
std::vector<int> permutation(int n, Random& random) {
  std::vector<int> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  shuffle(order, random);
  return order;
}

class Matching : public Topology {
 public:
  explicit Matching(const TopologyOptions& options)
      : Topology(options.workers), seed_(options.seed) {}

  bool directed() const override { return false; }
  // Up to two workers there is only one matching.
  int64_t cycle() const override { return workers() <= 2 ? 1 : 0; }

  MixingMatrix matrix(int64_t t) const override {
    Random random(derive_seed(seed_, 0, "topology matching", t));
    const auto order = permutation(workers(), random);
    MixingMatrix p = MixingMatrix::identity(workers());
    for (size_t i = 1; i < order.size(); i += 2) {
      const int one = order[i - 1], two = order[i];
      p(one, one) = p(one, two) = p(two, one) = p(two, two) = 0.5;
    }
    return p;
  }

 private:
  uint64_t seed_;
};

class OnePeerRandom : public Topology {
 public:
  explicit OnePeerRandom(const TopologyOptions& options)
      : Topology(options.workers), seed_(options.seed) {}

  bool directed() const override { return workers() > 2; }
  int64_t cycle() const override { return directed() ? 0 : 1; }

  MixingMatrix matrix(int64_t t) const override {
    const int n = workers();
    if (n == 1) return MixingMatrix::identity(1);
    Random random(derive_seed(seed_, 0, "topology one-peer-random", t));
    return row_stochastic(
        hop_graph(n, 1 + static_cast<int>(random.below(static_cast<uint64_t>(n - 1)))));
  }

 private:
  uint64_t seed_;
};

// (1/M) sum_i ((1/n) I + (1 - 1/n) S^u_i).
MixingMatrix equi_matrix(int n, const std::vector<int>& hops) {
  MixingMatrix p(n);
  const double share = 1.0 / static_cast<double>(hops.size());
  for (const int hop : hops) {
    for (int j = 0; j < n; ++j) {
      p(j, j) += share / n;
      p((j + hop) % n, j) += share * (n - 1) / n;
    }
  }
  return p;
}

// ||P - J|| of it: it is normal, with the eigenvalues 1/n + (1 - 1/n) mean_i exp(2 pi i k u_i / n).
double equi_rate(int n, const std::vector<int>& hops) {
  double largest = 0;
  for (int k = 1; k < n; ++k) {
    std::complex<double> sum = 0;
    for (const int hop : hops) {
      sum += std::polar(1.0, 2 * std::acos(-1.0) * (int64_t{k} * hop % n) / n);
    }
    sum *= (n - 1.0) / (n * static_cast<double>(hops.size()));
    largest = std::max(largest, std::abs(sum + 1.0 / n));
  }
  return largest;
}

class RandomDirected : public Topology {
 public:
  RandomDirected(const TopologyOptions& options, int others)
      : Topology(options.workers), seed_(options.seed), others_(others) {}

  bool directed() const override { return others_ < workers() - 1; }
  // Sending to everybody is the complete graph.
  int64_t cycle() const override { return directed() ? 0 : 1; }
  bool doubly_stochastic() const override { return !directed(); }

  MixingMatrix matrix(int64_t t) const override {
    const int n = workers();
    Random random(derive_seed(seed_, 0, "topology random-directed", t));
    Digraph graph(n);
    for (int from = 0; from < n && n > 1; ++from) {
      // The hops 1 .. n - 1 in random order.
      auto hops = permutation(n - 1, random);
      if (from == t % n) std::iter_swap(hops.begin(), std::find(hops.begin(), hops.end(), 0));
      for (int i = 0; i < others_; ++i)
        graph.add(from, (from + hops[static_cast<size_t>(i)] + 1) % n);
    }
    return column_stochastic(graph);
  }

 private:
  uint64_t seed_;
  int others_;
};

}  // namespace

std::unique_ptr<Topology> make_matching(const TopologyOptions& options) {
  return std::make_unique<Matching>(options);
}

std::unique_ptr<Topology> make_one_peer_random(const TopologyOptions& options) {
  return std::make_unique<OnePeerRandom>(options);
}

std::unique_ptr<Topology> make_equi_static(const TopologyOptions& options) {
  constexpr int kDraws = 100;
  const int n = options.workers;
  int others = 1;
  while ((int64_t{1} << others) < n) ++others;
  if (!options.argument.empty()) {
    const auto given = parse_number<int>(options.argument);
    require(given && *given >= 1, "{} equi-static:M needs a whole number of others, got '{}'",
            Key{"topology"}, options.argument);
    others = *given;
  }
  if (n == 1) return repeat({MixingMatrix::identity(1)});
  Random random(derive_seed(options.seed, 0, "topology equi-static"));
  std::vector<int> best;
  double rate = 2;
  for (int draw = 0; draw < kDraws; ++draw) {
    std::vector<int> hops;
    for (int i = 0; i < others; ++i) {
      hops.push_back(1 + static_cast<int>(random.below(static_cast<uint64_t>(n - 1))));
    }
    if (equi_rate(n, hops) < rate) {
      rate = equi_rate(n, hops);
      best = std::move(hops);
    }
  }
  return repeat({equi_matrix(n, best)});
}

std::unique_ptr<Topology> make_random(const TopologyOptions& options) {
  constexpr int kDraws = 1000;
  const int n = options.workers;
  double probability = n > 1 ? std::min(1.0, 2 * std::log(n) / n) : 1;
  if (!options.argument.empty()) {
    const auto given = parse_number<double>(options.argument);
    require(given && *given > 0 && *given <= 1,
            "{} random:PROBABILITY needs a number in (0, 1], got '{}'", Key{"topology"},
            options.argument);
    probability = *given;
  }
  for (int draw = 0; draw < kDraws; ++draw) {
    Random random(derive_seed(options.seed, 0, "topology random", draw));
    Digraph graph(n);
    for (int j = 0; j < n; ++j) {
      for (int k = 0; k < j; ++k) {
        if (random.uniform() < probability) graph.add_both(j, k);
      }
    }
    if (graph.strongly_connected()) return repeat({metropolis(graph)});
  }
  throw UsageError(
      fmt::format("{} random:{} gave no connected graph of {} workers in {} draws; raise "
                  "the probability",
                  Key{"topology"}, probability, n, kDraws));
}

std::unique_ptr<Topology> make_random_directed(const TopologyOptions& options) {
  const int most = options.workers - 1;
  int others = std::min(2, most);
  if (!options.argument.empty()) {
    const auto given = parse_number<int>(options.argument);
    require(given && *given >= 1 && *given <= most,
            "{} random-directed:M needs a whole number of others from 1 to {}, got '{}'",
            Key{"topology"}, most, options.argument);
    others = *given;
  }
  return std::make_unique<RandomDirected>(options, others);
}

}  // namespace valley
