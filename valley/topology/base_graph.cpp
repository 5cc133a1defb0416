#include "valley/topology/base_graph.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "valley/core/error.h"
#include "valley/core/numbers.h"

namespace valley {
namespace {

using Nodes = std::vector<int>;

struct Edge {
  int one, two;
  double weight;
};
using Step = std::vector<Edge>;
using Steps = std::vector<Step>;

int length(const auto& list) { return static_cast<int>(list.size()); }

Nodes part(const Nodes& nodes, int begin, int count) {
  return {nodes.begin() + begin, nodes.begin() + begin + count};
}

void append(Step& to, const Step& more) { to.insert(to.end(), more.begin(), more.end()); }

// The fewest factors from 2 to `most` whose product is n; none if there are none.
std::optional<std::vector<int>> fewest_factors(int n, int most) {
  if (n == 1) return std::vector<int>();
  std::optional<std::vector<int>> best;
  for (int factor = std::min(n, most); factor > 1; --factor) {
    if (n % factor != 0) continue;
    auto rest = fewest_factors(n / factor, most);
    if (!rest || (best && best->size() <= rest->size() + 1)) continue;
    rest->insert(rest->begin(), factor);
    best = std::move(rest);
  }
  return best;
}

// A digit a step: those that differ in it alone take their mean.
Steps hypercube(const Nodes& nodes, const std::vector<int>& factors) {
  Steps steps;
  int stride = 1;
  for (const int factor : factors) {
    Step step;
    for (int j = 0; j < length(nodes); ++j) {
      for (int digit = j / stride % factor + 1; digit < factor; ++digit) {
        const int other = j + (digit - j / stride % factor) * stride;
        step.push_back({nodes[j], nodes[other], 1.0 / factor});
      }
    }
    steps.push_back(std::move(step));
    stride *= factor;
  }
  return steps;
}

Steps hypercube(const Nodes& nodes, int k) {
  return hypercube(nodes, *fewest_factors(length(nodes), k + 1));
}

struct Group {
  Nodes nodes;
  std::vector<Nodes> blocks = {};
  Steps own = {};     // finds the mean of the group
  Steps inside = {};  // finds those of all its blocks at once
};

std::vector<Group> groups_of(const Nodes& nodes, int k) {
  std::vector<Group> groups;
  int64_t power = 1;
  while (power * (k + 1) <= length(nodes)) power *= k + 1;
  int begin = 0;
  for (; power > 0; power /= k + 1) {
    const auto block = static_cast<int>(power);
    const int blocks = (length(nodes) - begin) / block;
    if (blocks == 0) continue;
    Group group{.nodes = part(nodes, begin, blocks * block)};
    group.own = hypercube(group.nodes, k);
    for (int b = 0; b < blocks; ++b) {
      group.blocks.push_back(part(nodes, begin + b * block, block));
      const Steps steps = hypercube(group.blocks.back(), k);
      group.inside.resize(steps.size());
      for (size_t i = 0; i < steps.size(); ++i) append(group.inside[i], steps[i]);
    }
    begin += blocks * block;
    groups.push_back(std::move(group));
  }
  return groups;
}

void take_turn(const Steps& steps, int turn, Step& step) {
  if (!steps.empty()) append(step, steps[static_cast<size_t>(turn % length(steps))]);
}

// Every worker of the groups after `l` meets one of each block of group l.
void meet(const std::vector<Group>& groups, int l, Step& step) {
  const Group& group = groups[l];
  int all = 0;
  for (int i = l; i < length(groups); ++i) all += length(groups[i].nodes);
  const double weight = double(length(group.nodes)) / (double(length(group.blocks)) * all);
  int met = 0;
  for (int i = l + 1; i < length(groups); ++i) {
    for (const int node : groups[i].nodes) {
      for (const Nodes& block : group.blocks) step.push_back({node, block[met], weight});
      ++met;
    }
  }
}

Steps simple_base(const Nodes& nodes, int k) {
  const std::vector<Group> groups = groups_of(nodes, k);
  if (groups.size() == 1) return groups[0].own;
  const int first = length(groups[0].own), last = length(groups) - 1;
  Steps steps(static_cast<size_t>(first + 1 + length(groups[0].inside)));
  for (int t = 0; t < length(steps); ++t) {
    const int meeting = t - first;  // the group that the later ones meet
    if (meeting >= 0 && meeting < last) meet(groups, meeting, steps[t]);
    for (int l = 0; l <= last; ++l) {
      if (meeting < 0) take_turn(groups[l].own, t, steps[t]);
      if (meeting > l) take_turn(groups[l].inside, meeting - l - 1, steps[t]);
    }
  }
  return steps;
}

// p groups of q workers, then those of the same number.
Steps base(int n, int k) {
  Nodes all(static_cast<size_t>(n));
  std::iota(all.begin(), all.end(), 0);
  int q = n;
  for (int factor = 2; factor <= k + 1; ++factor) {
    while (q % factor == 0) q /= factor;
  }
  Steps whole = simple_base(all, k), steps;
  for (int begin = 0; begin < n; begin += q) {
    const Steps group = simple_base(part(all, begin, q), k);
    steps.resize(group.size());
    for (size_t i = 0; i < group.size(); ++i) append(steps[i], group[i]);
  }
  const std::vector<int> factors = *fewest_factors(n / q, k + 1);
  const size_t inside = steps.size();
  steps.resize(inside + factors.size());
  for (int i = 0; i < q; ++i) {
    Nodes same;
    for (int node = i; node < n; node += q) same.push_back(node);
    const Steps across = hypercube(same, factors);
    for (size_t s = 0; s < across.size(); ++s) append(steps[inside + s], across[s]);
  }
  return whole.size() <= steps.size() ? whole : steps;
}

}  // namespace

std::vector<MixingMatrix> base_graph(int n, int k) {
  std::vector<MixingMatrix> matrices;
  for (const Step& step : base(n, std::min(k, std::max(1, n - 1)))) {
    MixingMatrix p = MixingMatrix::identity(n);
    for (const auto& [one, two, weight] : step) {
      p(one, two) = p(two, one) = weight;
      p(one, one) -= weight;
      p(two, two) -= weight;
    }
    matrices.push_back(std::move(p));
  }
  if (matrices.empty()) matrices.push_back(MixingMatrix::identity(n));
  return matrices;
}

std::unique_ptr<Topology> make_base_graph(const TopologyOptions& options) {
  int k = 1;
  if (!options.argument.empty()) {
    const auto given = parse_number<int>(options.argument);
    require(given && *given >= 1,
            "{} base-graph:K needs a whole number of neighbours, at least 1, got '{}'",
            Key{"topology"}, options.argument);
    k = *given;
  }
  return repeat(base_graph(options.workers, k));
}

}  // namespace valley
