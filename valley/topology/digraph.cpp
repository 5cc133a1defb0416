#include "valley/topology/digraph.h"

#include <algorithm>

#include "valley/core/error.h"

namespace valley {

Digraph::Digraph(int workers) : workers_(workers) {
  require(workers >= 1, "a graph needs at least 1 worker, got {}", workers);
  edges_.assign(static_cast<size_t>(workers) * static_cast<size_t>(workers), false);
}

void Digraph::add(int from, int to) {
  if (from != to) edges_[index(from, to)] = true;
}

void Digraph::add_both(int one, int two) {
  add(one, two);
  add(two, one);
}

std::vector<int> Digraph::senders(int to) const {
  std::vector<int> result;
  for (int k = 0; k < workers_; ++k) {
    if (has(k, to)) result.push_back(k);
  }
  return result;
}

std::vector<int> Digraph::receivers(int from) const {
  std::vector<int> result;
  for (int k = 0; k < workers_; ++k) {
    if (has(from, k)) result.push_back(k);
  }
  return result;
}

std::optional<std::vector<int>> Digraph::sides() const {
  std::vector<int> side(static_cast<size_t>(workers_), -1);
  const auto at = [&](int worker) -> int& { return side[static_cast<size_t>(worker)]; };
  for (int root = 0; root < workers_; ++root) {
    if (at(root) >= 0) continue;
    at(root) = 1;
    std::vector<int> reached = {root};
    while (!reached.empty()) {
      const int from = reached.back();
      reached.pop_back();
      for (int to = 0; to < workers_; ++to) {
        if (!has(from, to) && !has(to, from)) continue;
        if (at(to) == at(from)) return std::nullopt;
        if (at(to) >= 0) continue;
        at(to) = 1 - at(from);
        reached.push_back(to);
      }
    }
  }
  if (2 * std::count(side.begin(), side.end(), 1) < workers_) {
    for (int& value : side) value = 1 - value;
  }
  return side;
}

int Digraph::edges() const {
  return static_cast<int>(std::count(edges_.begin(), edges_.end(), true));
}

bool Digraph::undirected() const {
  for (int j = 0; j < workers_; ++j) {
    for (int k = 0; k < j; ++k) {
      if (has(j, k) != has(k, j)) return false;
    }
  }
  return true;
}

int Digraph::unreachable_from(int from) const {
  std::vector<bool> reached(static_cast<size_t>(workers_), false);
  std::vector<int> waiting = {from};
  reached[static_cast<size_t>(from)] = true;
  while (!waiting.empty()) {
    const int next = waiting.back();
    waiting.pop_back();
    for (const int k : receivers(next)) {
      if (reached[static_cast<size_t>(k)]) continue;
      reached[static_cast<size_t>(k)] = true;
      waiting.push_back(k);
    }
  }
  const auto missing = std::find(reached.begin(), reached.end(), false);
  return missing == reached.end() ? -1 : static_cast<int>(missing - reached.begin());
}

bool Digraph::strongly_connected() const {
  // Everyone is reached from worker 0, and reaches it.
  Digraph reversed(workers_);
  for (int j = 0; j < workers_; ++j) {
    for (const int k : receivers(j)) reversed.add(k, j);
  }
  return unreachable_from(0) < 0 && reversed.unreachable_from(0) < 0;
}

Digraph support(const MixingMatrix& p) {
  Digraph graph(p.size());
  for (int j = 0; j < p.size(); ++j) {
    for (int k = 0; k < p.size(); ++k) {
      if (p(j, k) != 0) graph.add(k, j);
    }
  }
  return graph;
}

MixingMatrix metropolis(const Digraph& undirected) {
  const int n = undirected.workers();
  std::vector<size_t> degree;
  for (int j = 0; j < n; ++j) degree.push_back(undirected.senders(j).size());
  MixingMatrix p(n);
  for (int j = 0; j < n; ++j) {
    double others = 0;
    for (const int k : undirected.senders(j)) {
      const size_t larger =
          std::max(degree[static_cast<size_t>(j)], degree[static_cast<size_t>(k)]);
      p(j, k) = 1.0 / static_cast<double>(1 + larger);
      others += p(j, k);
    }
    p(j, j) = 1 - others;
  }
  return p;
}

MixingMatrix row_stochastic(const Digraph& graph) {
  MixingMatrix p(graph.workers());
  for (int j = 0; j < graph.workers(); ++j) {
    const auto senders = graph.senders(j);
    const double weight = 1.0 / static_cast<double>(senders.size() + 1);
    p(j, j) = weight;
    for (const int k : senders) p(j, k) = weight;
  }
  return p;
}

MixingMatrix column_stochastic(const Digraph& graph) {
  MixingMatrix p(graph.workers());
  for (int k = 0; k < graph.workers(); ++k) {
    const auto receivers = graph.receivers(k);
    const double weight = 1.0 / static_cast<double>(receivers.size() + 1);
    p(k, k) = weight;
    for (const int j : receivers) p(j, k) = weight;
  }
  return p;
}

}  // namespace valley
