#include "valley/topology/shapes.h"

namespace valley {

Digraph complete_graph(int n) {
  Digraph graph(n);
  for (int j = 0; j < n; ++j) {
    for (int k = 0; k < n; ++k) graph.add(j, k);
  }
  return graph;
}

Digraph ring_graph(int n) {
  Digraph graph(n);
  for (int j = 0; j < n; ++j) graph.add_both(j, (j + 1) % n);
  return graph;
}

Digraph directed_ring_graph(int n) { return hop_graph(n, 1); }

Digraph exponential_graph(int n) {
  Digraph graph(n);
  for (int hop = 1; hop < n; hop *= 2) {
    for (int j = 0; j < n; ++j) graph.add(j, (j + hop) % n);
  }
  return graph;
}

Digraph hop_graph(int n, int hop) {
  Digraph graph(n);
  for (int j = 0; j < n; ++j) graph.add(j, (j + hop) % n);
  return graph;
}

Digraph hypercube_graph(int n) {
  Digraph graph(n);
  for (int bit = 1; bit < n; bit *= 2) {
    for (int j = 0; j < n; ++j) graph.add(j, j ^ bit);
  }
  return graph;
}

Digraph flip_graph(int n, int bit) {
  Digraph graph(n);
  for (int j = 0; j < n; ++j) graph.add(j, j ^ bit);
  return graph;
}

Digraph grid_graph(int n) {
  const auto [rows, columns] = lattice(n);
  Digraph graph(n);
  for (int j = 0; j < n; ++j) {
    if (j % columns + 1 < columns) graph.add_both(j, j + 1);
    if (j / columns + 1 < rows) graph.add_both(j, j + columns);
  }
  return graph;
}

Digraph torus_graph(int n) {
  const auto [rows, columns] = lattice(n);
  Digraph graph(n);
  for (int j = 0; j < n; ++j) {
    const int row = j / columns, column = j % columns;
    graph.add_both(j, row * columns + (column + 1) % columns);
    graph.add_both(j, (row + 1) % rows * columns + column);
  }
  return graph;
}

Digraph star_graph(int n) {
  Digraph graph(n);
  for (int j = 1; j < n; ++j) graph.add_both(0, j);
  return graph;
}

Digraph chain_graph(int n) {
  Digraph graph(n);
  for (int j = 1; j < n; ++j) graph.add_both(j - 1, j);
  return graph;
}

Digraph tree_graph(int n) {
  Digraph graph(n);
  for (int j = 1; j < n; ++j) graph.add_both((j - 1) / 2, j);
  return graph;
}

std::pair<int, int> lattice(int n) {
  int rows = 1;
  for (int r = 1; r * r <= n; ++r) {
    if (n % r == 0) rows = r;
  }
  return {rows, n / rows};
}

}  // namespace valley
