#pragma once

#include <memory>

#include "valley/topology/topology.h"

/// Topologies from text files, the argument of `options`. Blank lines count for nothing, nor does
/// what follows a '#'; numbers are separated by blanks or commas; workers count from 0.
/// Every error is a UsageError that names file and line.
namespace valley {

/// A mixing matrix, a row a line; entries are decimal or fractions: "1/3 1/3 1/3". Doubly
/// stochastic within 1e-12. It need not be symmetric or connected: the identity is a way to let
/// workers train alone.
std::unique_ptr<Topology> make_matrix_from_file(const TopologyOptions& options);

/// Undirected edges, two workers a line: "0 3". Connected; Metropolis weights.
std::unique_ptr<Topology> make_edges_from_file(const TopologyOptions& options);

/// Directed edges, a line "0 3": worker 0 sends to worker 3. Strongly connected; uniform weights
/// over a worker and its receivers, so only the columns sum to 1 in general: push-sum.
std::unique_ptr<Topology> make_directed_edges_from_file(const TopologyOptions& options);

}  // namespace valley
