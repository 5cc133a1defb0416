#include <utility>

#include "valley/core/error.h"
#include "valley/core/names.h"
#include "valley/topology/base_graph.h"
#include "valley/topology/files.h"
#include "valley/topology/random_graphs.h"
#include "valley/topology/shapes.h"
#include "valley/topology/topology.h"

namespace valley {
namespace {

using Graph = Digraph (*)(int);
using Weights = MixingMatrix (*)(const Digraph&);

template <Graph graph, Weights weights>
std::unique_ptr<Topology> fixed(const TopologyOptions& options) {
  return repeat({weights(graph(options.workers))});
}

// As many senders as receivers, the same everywhere: then columns sum to 1 as rows do.
constexpr Weights uniform = &row_stochastic;

// One step for each power of two below n.
template <Digraph (*graph)(int n, int power)>
std::unique_ptr<Topology> one_peer(const TopologyOptions& options) {
  const int n = options.workers;
  std::vector<MixingMatrix> matrices;
  for (int power = 1; power < n; power *= 2) matrices.push_back(uniform(graph(n, power)));
  if (matrices.empty()) matrices.push_back(MixingMatrix::identity(1));
  return repeat(std::move(matrices));
}

void require_power_of_two(const char* name, int n) {
  require((n & (n - 1)) == 0, "{} {} needs a power of two workers, got {}", Key{"topology"}, name,
          n);
}

std::unique_ptr<Topology> make_hypercube(const TopologyOptions& options) {
  require_power_of_two("hypercube", options.workers);
  return fixed<hypercube_graph, uniform>(options);
}

std::unique_ptr<Topology> make_one_peer_hypercube(const TopologyOptions& options) {
  require_power_of_two("one-peer-hypercube", options.workers);
  return one_peer<flip_graph>(options);
}

}  // namespace

const std::vector<TopologyEntry>& topologies() {
  static const std::vector<TopologyEntry> table = {
      {"complete", "everyone with everyone, weights 1/n: the mean in every step", "n - 1",
       &fixed<complete_graph, uniform>},
      {"ring", "the two neighbours on a circle, weights 1/3", "2", &fixed<ring_graph, uniform>},
      {"directed-ring", "sends to the next on a circle, weights 1/2", "1",
       &fixed<directed_ring_graph, uniform>},
      {"exponential", "sends 1, 2, 4, ... places on, uniform weights", "ceil(log2 n)",
       &fixed<exponential_graph, uniform>},
      {"one-peer-exponential", "sends 1, 2, 4, ... places on, one hop a step, weights 1/2", "1",
       &one_peer<hop_graph>},
      {"hypercube", "those whose rank differs in one bit, uniform weights", "log2 n",
       &make_hypercube, "a power of two"},
      {"one-peer-hypercube", "those whose rank differs in one bit, one bit a step, weights 1/2",
       "1", &make_one_peer_hypercube, "a power of two"},
      {"base-graph", "at most K others, in turn: the exact mean in a few steps for any n",
       "at most K (1)", &make_base_graph, "", "K"},
      {"grid", "neighbours in the most square rectangle, Metropolis weights", "2 to 4",
       &fixed<grid_graph, metropolis>},
      {"torus", "the grid with opposite sides glued together, uniform weights", "4",
       &fixed<torus_graph, uniform>},
      {"star", "worker 0 with everyone, Metropolis weights", "1; worker 0: n - 1",
       &fixed<star_graph, metropolis>},
      {"chain", "a row of workers, each with those beside it, Metropolis weights", "1 to 2",
       &fixed<chain_graph, metropolis>},
      {"tree", "a binary tree, each with the one above and two below, Metropolis weights", "1 to 3",
       &fixed<tree_graph, metropolis>},
      {"matching", "a random partner, another in every step, weights 1/2; odd n: one rests", "1",
       &make_matching},
      {"one-peer-random", "sends a random number of places on, another in every step, weights 1/2",
       "1", &make_one_peer_random},
      {"equi-static", "sends to M drawn once, the same number of places on for all",
       "M (ceil(log2 n))", &make_equi_static, "", "M"},
      {"random", "one connected random graph, Metropolis weights", "p (n - 1) on average",
       &make_random, "", "PROBABILITY"},
      {"random-directed", "sends to M random others, drawn anew in every step; needs push-sum",
       "M (2)", &make_random_directed, "", "M"},
      {"matrix", "a doubly stochastic matrix from a text file, a row a line", "as in the file",
       &make_matrix_from_file, "a row each", "PATH", true},
      {"edges", "undirected edges from a text file, Metropolis weights", "as in the file",
       &make_edges_from_file, "", "PATH", true},
      {"edges-directed", "directed edges from a text file; needs push-sum", "as in the file",
       &make_directed_edges_from_file, "", "PATH", true},
  };
  return table;
}

std::unique_ptr<Topology> make_topology(const std::string& name_and_argument,
                                        TopologyOptions options) {
  require(options.workers >= 1, "{} must be at least 1, got {}", Key{"workers"}, options.workers);
  const size_t colon = name_and_argument.find(':');
  const bool given = colon != std::string::npos;
  const std::string name = name_and_argument.substr(0, colon);
  options.argument = given ? name_and_argument.substr(colon + 1) : "";
  std::vector<std::string> known;
  for (const auto& entry : topologies()) {
    known.push_back(entry.name);
    if (entry.name != name) continue;
    require(!given || !entry.argument.empty(), "{} {} takes nothing after a colon, got '{}'",
            Key{"topology"}, name, options.argument);
    require(!given || !options.argument.empty(), "{} {}: has nothing after the colon",
            Key{"topology"}, name);
    require(given || !entry.needs_argument, "{0} {1} needs a file: {1}:{2}", Key{"topology"}, name,
            entry.argument);
    return entry.make(options);
  }
  throw UsageError(unknown_name("topology", name, known));
}

}  // namespace valley
