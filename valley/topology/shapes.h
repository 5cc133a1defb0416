#pragma once

#include <utility>

#include "valley/topology/digraph.h"

/// The graphs with a name. n workers, 0 .. n - 1; one worker has no neighbours.
namespace valley {

Digraph complete_graph(int n);       ///< everyone with everyone
Digraph ring_graph(int n);           ///< j with j - 1 and j + 1; two workers: one edge
Digraph directed_ring_graph(int n);  ///< j sends to j + 1
Digraph exponential_graph(int n);    ///< j sends to j + 1, j + 2, j + 4, ... while the hop < n
Digraph hop_graph(int n, int hop);   ///< j sends to j + hop
Digraph hypercube_graph(int n);      ///< j with every k that differs in one bit; n = 2^d
Digraph flip_graph(int n, int bit);  ///< j with j xor bit; n and bit powers of two
Digraph grid_graph(int n);           ///< rows x columns, each with those beside, above and below
Digraph torus_graph(int n);          ///< the grid with its edges glued together
Digraph star_graph(int n);           ///< worker 0 with everyone
Digraph chain_graph(int n);          ///< j with j + 1, from end to end
Digraph tree_graph(int n);           ///< j with 2 j + 1 and 2 j + 2

/// The most square rows x columns = n with rows <= columns; a prime n gives 1 x n. Worker j stands
/// in row j / columns, column j % columns.
std::pair<int, int> lattice(int n);

}  // namespace valley
