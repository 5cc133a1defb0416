#pragma once

#include <optional>
#include <vector>

#include "valley/topology/matrix.h"

namespace valley {

/// Who sends to whom: a directed graph over workers 0 .. n - 1 without loops (every worker keeps
/// its own values anyway).
class Digraph {
 public:
  /// No edges. @throws UsageError unless workers >= 1.
  explicit Digraph(int workers);

  int workers() const { return workers_; }
  bool has(int from, int to) const { return edges_[index(from, to)]; }
  void add(int from, int to);                  ///< again: no effect; from == to: no effect
  void add_both(int one, int two);             ///< an undirected edge
  std::vector<int> senders(int to) const;      ///< who sends to it, ascending
  std::vector<int> receivers(int from) const;  ///< to whom it sends, ascending
  int edges() const;                           ///< directed ones
  bool undirected() const;                     ///< every edge goes both ways

  /// The first worker that `from` cannot reach along the edges, or -1.
  int unreachable_from(int from) const;
  /// Everyone reaches everyone.
  bool strongly_connected() const;

  /// A side, 0 or 1, for every worker such that all edges lead to the other side; the larger side
  /// is 1 (of equal ones, worker 0's). Nothing if there is no such division: the graph, its
  /// directions ignored, has a cycle of odd length.
  std::optional<std::vector<int>> sides() const;

  bool operator==(const Digraph&) const = default;

 private:
  size_t index(int from, int to) const {
    return static_cast<size_t>(from) * static_cast<size_t>(workers_) + static_cast<size_t>(to);
  }

  int workers_;
  std::vector<bool> edges_;  // [n, n]
};

/// The edges that carry the weights of `p`: k sends to j where p(j, k) != 0.
Digraph support(const MixingMatrix& p);

/// Metropolis weights, which every worker knows from its neighbours' degrees d:
///
///     P(j, k) = 1 / (1 + max(d_j, d_k)) on edges,    P(j, j) = 1 - the rest of the row.
///
/// Symmetric and doubly stochastic for every undirected graph. Where all degrees are the same, the
/// weights are uniform over a worker and its neighbours: 1/3 on a ring, 1/n on the complete graph.
/// The largest eigenvalue 1 is the only one of modulus 1 if the graph is connected.
///
/// Reference: Xiao, Boyd and Lall, "A scheme for robust distributed sensor fusion based on average
/// consensus", IPSN 2005.
MixingMatrix metropolis(const Digraph& undirected);

/// Uniform over a worker and those who send to it: every row sums to 1, the columns need not.
/// What is agreed on by repeating it is a weighted mean.
MixingMatrix row_stochastic(const Digraph& graph);

/// Uniform over a worker and those it sends to: every column sums to 1, the rows need not. Sums
/// over workers are kept, so push-sum finds the mean with it: x <- P x, w <- P w, z = x / w.
MixingMatrix column_stochastic(const Digraph& graph);

}  // namespace valley
