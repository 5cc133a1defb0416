// Graphs of which a method asks for a shape: a tree, pairs, two sides.
#include "valley/algorithms/graph.h"
#include "valley/algorithms/noloco.h"
#include "valley/algorithms/relaysgd.h"
#include "valley/core/error.h"

namespace valley {

Graph graph_of(const NoLoCoOptions&, int workers, uint64_t seed) {
  return {"matching", false, workers, seed, "noloco", Graph::Weights::kDoublyStochastic};
}

Graph graph_of(const RelaySgdOptions& o, int workers, uint64_t seed) {
  Graph graph(o.relay_tree, false, workers, seed, "relaysgd", Graph::Weights::kAny);
  const Digraph edges = graph.topology().graph(0);
  require(graph.topology().cycle() == 1 && edges.undirected() && edges.strongly_connected() &&
              edges.edges() == 2 * (workers - 1),
          "{} {} with {} workers is no tree, which has one way from everyone to everyone: chain, "
          "tree or star",
          Key{"relay-tree"}, o.relay_tree, workers);
  return graph;
}

std::vector<int> partners(const Graph& graph, int rank) {
  const Digraph edges = graph.topology().graph(0);
  const bool active = (*edges.sides())[static_cast<size_t>(rank)] == 1;
  return active ? edges.receivers(rank) : std::vector<int>{};
}

}  // namespace valley
