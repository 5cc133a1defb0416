#include "valley/topology/stragglers.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <queue>
#include <utility>

#include "valley/core/error.h"
#include "valley/core/random.h"

namespace valley {
namespace {

void check(const Pace& pace, size_t workers, double seconds) {
  require(pace.step_seconds.size() == workers && workers > 0,
          "{} workers need as many paces, got {}", workers, pace.step_seconds.size());
  for (const double step : pace.step_seconds) {
    require(step > 0 && std::isfinite(step), "a step must take more than 0 seconds, got {}", step);
  }
  require(pace.message_seconds >= 0 && std::isfinite(pace.message_seconds),
          "a message must take at least 0 seconds, got {}", pace.message_seconds);
  require(seconds > 0 && std::isfinite(seconds), "the time must be above 0 seconds, got {}",
          seconds);
}

}  // namespace

std::vector<int64_t> synchronous_steps(const Pace& pace, double seconds) {
  const size_t n = pace.step_seconds.size();
  check(pace, n, seconds);
  const double slowest = *std::max_element(pace.step_seconds.begin(), pace.step_seconds.end());
  const double step = slowest + (n > 1 ? pace.message_seconds : 0);
  return std::vector<int64_t>(n, static_cast<int64_t>(seconds / step));
}

std::vector<int64_t> steps_with_neighbours(const Topology& topology, const Pace& pace,
                                           double seconds) {
  const auto n = static_cast<size_t>(topology.workers());
  check(pace, n, seconds);
  std::vector<int64_t> steps(n, 0);
  std::vector<double> begin(n, 0.0);
  for (int64_t k = 0;; ++k) {
    std::vector<double> ready(n), next(n);
    for (size_t j = 0; j < n; ++j) ready[j] = begin[j] + pace.step_seconds[j];
    const Digraph graph = topology.graph(k);
    bool anyone = false;
    for (size_t j = 0; j < n; ++j) {
      const std::vector<int> senders = graph.senders(static_cast<int>(j));
      next[j] = ready[j];
      for (const int from : senders) {
        next[j] = std::max(next[j], ready[static_cast<size_t>(from)]);
      }
      if (!senders.empty()) next[j] += pace.message_seconds;
      if (next[j] > seconds) continue;
      anyone = true;
      ++steps[j];
    }
    if (!anyone) return steps;
    begin = next;
  }
}

std::vector<int64_t> asynchronous_steps(const Topology& topology, const Pace& pace, double seconds,
                                        uint64_t seed) {
  const auto n = static_cast<size_t>(topology.workers());
  check(pace, n, seconds);
  const Digraph graph = topology.graph(0);
  const auto sides = graph.sides();
  require(sides.has_value(), "the graph has a cycle of odd length, so no active and passive side");
  Random random(derive_seed(seed, 0, "stragglers"));

  std::vector<int64_t> steps(n, 0);
  std::vector<double> free_at(n, 0.0);  // from when on a worker can meet somebody
  using Begin = std::pair<double, size_t>;
  std::priority_queue<Begin, std::vector<Begin>, std::greater<>> begins;
  for (size_t j = 0; j < n; ++j) begins.emplace(0.0, j);
  while (!begins.empty()) {
    const auto [begin, j] = begins.top();
    begins.pop();
    double end = begin + pace.step_seconds[j];
    const std::vector<int> others = graph.receivers(static_cast<int>(j));
    if ((*sides)[j] == 1 && !others.empty()) {
      const auto other = static_cast<size_t>(others[random.below(others.size())]);
      const double met = std::max({begin, free_at[j], free_at[other]}) + pace.message_seconds;
      free_at[j] = free_at[other] = met;
      end = std::max(end, met);
    }
    if (end > seconds) continue;
    ++steps[j];
    begins.emplace(end, j);
  }
  return steps;
}

Straggling straggle(const Topology& topology, double slower, double message_seconds,
                    uint64_t seed) {
  const double seconds = 1000 * slower;
  Pace pace{.step_seconds = std::vector<double>(static_cast<size_t>(topology.workers()), 1.0),
            .message_seconds = message_seconds};
  pace.step_seconds[0] = slower;
  const auto rate = [&](const std::vector<int64_t>& steps) {
    return std::accumulate(steps.begin(), steps.end(), 0.0) / seconds;
  };
  Straggling result{.ssgd = rate(synchronous_steps(pace, seconds)),
                    .dpsgd = rate(steps_with_neighbours(topology, pace, seconds)),
                    .ad_psgd = {}};
  if (topology.cycle() == 1 && !topology.directed() && topology.graph(0).sides())
    result.ad_psgd = rate(asynchronous_steps(topology, pace, seconds, seed));
  return result;
}

}  // namespace valley
