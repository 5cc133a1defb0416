#pragma once

#include <cstdint>
#include <memory>

#include "valley/topology/topology.h"

namespace valley {

/// A random perfect matching in every step, uniform among all: pairs take their average, an odd
/// worker out rests. For a fixed start the expected squared distance to the mean shrinks by
/// (n - 2) / (2 (n - 1)) a step if n is even, by 1/2 if n is odd.
std::unique_ptr<Topology> make_matching(const TopologyOptions& options);

/// In every step all workers send the same random number of places on, 1 to n - 1, and take half of
/// what comes: for a fixed start the expected squared distance to the mean shrinks by (n - 2) /
/// (2 (n - 1)) a step, whatever n. The directed one-peer form of EquiTopo, Song, Li, Jin, Shi, Yan,
/// Yin and Yuan, "Communication-Efficient Topologies for Decentralized Learning with O(1) Consensus
/// Rate", NeurIPS 2022, at the weights that mix best; theirs keep a share 1/(2n) more.
std::unique_ptr<Topology> make_one_peer_random(const TopologyOptions& options);

/// EquiTopo's directed static form: numbers of places u_1, .. u_M drawn with replacement from 1 to
/// n - 1 for the whole run, the draw of a hundred that mixes best,
///
///     P = (1/M) sum_i A(u_i),    A(u) = (1/n) I + (1 - 1/n) S^u,    S one place on.
///
/// E P = J, and ||P - J|| falls as 1 / sqrt(M), whatever n. Argument: M >= 1; without, ceil(log2
/// n).
/// @throws UsageError if M is out of range.
std::unique_ptr<Topology> make_equi_static(const TopologyOptions& options);

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
