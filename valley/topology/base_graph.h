#pragma once

#include <memory>
#include <vector>

#include "valley/topology/topology.h"

namespace valley {

/// The Base-(k+1) graph of n workers: matrices in which nobody has more than k neighbours, and
/// whose product in this order is J exactly, whatever n. Symmetric, doubly stochastic.
///
/// Where n is a product of factors up to k + 1, one factor a step: the worker's number is written
/// with these digits, and those that differ in one digit take their mean (the hyper-hypercube).
/// Otherwise n in base k + 1 has digits a_1, a_2, .. from the highest, and group l has a_l blocks
/// of (k+1)^p_l workers:
///
///     the groups find their own means;
///     for l = 1, 2, ..: every worker of the later groups meets one of each block of group l, with
///         weight |V_l| / (a_l sum_{i >= l} |V_i|), which puts the mean of every block of group l,
///         and that of the later groups together, at the mean of all;
///     the blocks of group l find their means while the later groups go on.
///
/// Or n = p q with q without such factors: p groups of q workers do that, and then those with the
/// same number in their group take their mean. The shorter of the two ways is taken.
///
/// Reference: Takezawa, Sato, Bao, Niwa and Yamada, "Beyond Exponential Graph:
/// Communication-Efficient Topologies for Decentralized Learning via Finite-time Convergence",
/// NeurIPS 2023, arXiv:2305.11420. Workers of group l that nobody meets rest in that step here.
std::vector<MixingMatrix> base_graph(int n, int k);

/// Argument: k >= 1; without, 1. @throws UsageError if it is none.
std::unique_ptr<Topology> make_base_graph(const TopologyOptions& options);

}  // namespace valley
