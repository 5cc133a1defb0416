#pragma once

#include <cstdint>
#include <memory>

#include "valley/topology/topology.h"

namespace valley {

/// A random perfect matching in every step, uniform among all: pairs take their average, an odd
/// worker out rests. For a fixed start the expected squared distance to the mean shrinks by
/// (n - 2) / (2 (n - 1)) a step if n is even, by 1/2 if n is odd.
std::unique_ptr<Topology> make_matching(const TopologyOptions& options);

/// One Erdos-Renyi graph for the whole run: every edge is there with probability p, drawn again
/// until the graph is connected; Metropolis weights. Argument: p in (0, 1]; without, 2 ln n / n,
/// twice the least at which large graphs are connected.
/// @throws UsageError if p is out of range or 1000 draws gave no connected graph.
std::unique_ptr<Topology> make_random(const TopologyOptions& options);

/// In every step every worker sends to a few random others, and in step t worker t mod n sends to
/// the next by rank as well as to the others, so that n steps together always connect everyone with
/// everyone. Uniform weights over a worker and its receivers: only the columns sum to 1, hence
/// push-sum. Argument: how many others, 1 <= m < n; without, 2 (or n - 1).
/// @throws UsageError if m is out of range.
std::unique_ptr<Topology> make_random_directed(const TopologyOptions& options);

}  // namespace valley
