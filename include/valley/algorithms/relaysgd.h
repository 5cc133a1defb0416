#pragma once

#include <memory>
#include <string>

#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

struct RelaySgdOptions {
  std::string relay_tree = "chain";  ///< make_topology() takes it
};

template <typename V>
void visit(RelaySgdOptions& o, V& v) {
  v("relay-tree", o.relay_tree,
    "the topology along which sums are relayed: chain, tree or star, or edges:PATH", kYounger);
}

/// RelaySGD: along a tree every worker relays sums. To each neighbour k it sends its own weights
/// and all that came from the others in the step before, with how many workers that is of:
///
///     x_m     <- x_m - alpha g_m(x_m)                       the local optimizer's step
///     s_{m,k}  = x_m + sum_{j != k} s_{j,m}(before),   n_{m,k} = 1 + sum_{j != k} n_{j,m}(before)
///     x_m     <- (x_m + sum_j s_{j,m}) / (1 + sum_j n_{j,m})
///
/// So every worker's weights reach every other unmixed, as many steps later as it is away, and data
/// that differ draw it nowhere. From the beginning on all are at the same place, so that what has
/// not come yet is not missed.
///
/// Cost of a step: d + 1 values to every neighbour. Memory: 2 d for every neighbour and 2 d. State:
/// the number of steps and what came last.
///
/// Reference: Vogels, He, Koloskova, Lin, Karimireddy, Stich and Jaggi, "RelaySum for Decentralized
/// Deep Learning on Heterogeneous Data", NeurIPS 2021, arXiv:2110.04175.
///
/// @throws UsageError if the graph is no tree.
std::unique_ptr<Algorithm> make_relaysgd(const RelaySgdOptions&, const AlgorithmContext&);

}  // namespace valley
