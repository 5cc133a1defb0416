#include "valley/core/error.h"
#include "valley/core/names.h"
#include "valley/topology/random_graphs.h"
#include "valley/topology/shapes.h"
#include "valley/topology/topology.h"

namespace valley {
namespace {

using Options = const TopologyOptions&;
using Argument = TopologyEntry::Argument;

// Regular directed graphs: as many senders as receivers everywhere, so uniform weights make rows
// and columns sum to 1.
MixingMatrix uniform(const Digraph& graph) { return row_stochastic(graph); }

std::unique_ptr<Topology> make_one_peer_exponential(Options options) {
  std::vector<MixingMatrix> matrices;
  for (int hop = 1; hop < options.workers; hop *= 2) {
    matrices.push_back(uniform(hop_graph(options.workers, hop)));
  }
  if (matrices.empty()) matrices.push_back(MixingMatrix::identity(1));
  return repeat(std::move(matrices));
}

void require_power_of_two(const char* name, int n) {
  require((n & (n - 1)) == 0, "--topology {} needs a power of two workers, got {}", name, n);
}

std::unique_ptr<Topology> make_hypercube(Options options) {
  require_power_of_two("hypercube", options.workers);
  return repeat({metropolis(hypercube_graph(options.workers))});
}

std::unique_ptr<Topology> make_one_peer_hypercube(Options options) {
  require_power_of_two("one-peer-hypercube", options.workers);
  std::vector<MixingMatrix> matrices;
  for (int bit = 0; bit < hops(options.workers); ++bit) {
    matrices.push_back(metropolis(flip_graph(options.workers, bit)));
  }
  if (matrices.empty()) matrices.push_back(MixingMatrix::identity(1));
  return repeat(std::move(matrices));
}

}  // namespace

const std::vector<TopologyEntry>& topologies() {
  static const std::vector<TopologyEntry> table = {
      {"complete", "everyone with everyone, weights 1/n: the mean in every step", "n - 1", "", "",
       Argument::kNone, [](Options o) { return repeat({metropolis(complete_graph(o.workers))}); }},
      {"ring", "both neighbours on a circle, weights 1/3", "2", "", "", Argument::kNone,
       [](Options o) { return repeat({metropolis(ring_graph(o.workers))}); }},
      {"directed-ring", "sends to the next on a circle, weights 1/2", "1", "", "", Argument::kNone,
       [](Options o) { return repeat({uniform(directed_ring_graph(o.workers))}); }},
      {"exponential", "sends to those 1, 2, 4, ... places on, uniform weights", "ceil(log2 n)", "",
       "", Argument::kNone,
       [](Options o) { return repeat({uniform(exponential_graph(o.workers))}); }},
      {"one-peer-exponential", "sends 1, 2, 4, ... places on, one of them a step, weights 1/2", "1",
       "", "", Argument::kNone, &make_one_peer_exponential},
      {"hypercube", "with those whose rank differs in one bit, uniform weights", "log2 n",
       "a power of two", "", Argument::kNone, &make_hypercube},
      {"one-peer-hypercube", "with the one whose rank differs in bit t mod log2 n, weights 1/2",
       "1", "a power of two", "", Argument::kNone, &make_one_peer_hypercube},
      {"grid", "neighbours in the most square rectangle, Metropolis weights", "2 to 4", "", "",
       Argument::kNone, [](Options o) { return repeat({metropolis(grid_graph(o.workers))}); }},
      {"torus", "the grid with opposite sides glued together, weights 1/5", "4", "", "",
       Argument::kNone, [](Options o) { return repeat({metropolis(torus_graph(o.workers))}); }},
      {"star", "worker 0 with everyone, Metropolis weights", "1, worker 0: n - 1", "", "",
       Argument::kNone, [](Options o) { return repeat({metropolis(star_graph(o.workers))}); }},
      {"matching", "another random partner in every step, weights 1/2; odd n: one rests", "1", "",
       "", Argument::kNone, &make_matching},
      {"random", "one connected random graph, Metropolis weights", "p (n - 1) on average", "",
       "PROBABILITY", Argument::kOptional, &make_random},
      {"random-directed", "sends to M others, in every step drawn anew; needs push-sum", "M (2)",
       "", "M", Argument::kOptional, &make_random_directed},
  };
  return table;
}

std::unique_ptr<Topology> make_topology(const std::string& name_and_argument,
                                        TopologyOptions options) {
  require(options.workers >= 1, "--workers must be at least 1, got {}", options.workers);
  const size_t colon = name_and_argument.find(':');
  const std::string name = name_and_argument.substr(0, colon);
  std::vector<std::string> known;
  for (const auto& entry : topologies()) {
    known.push_back(entry.name);
    if (entry.name != name) continue;
    options.argument = colon == std::string::npos ? "" : name_and_argument.substr(colon + 1);
    require(entry.takes != Argument::kNone || colon == std::string::npos,
            "--topology {} takes nothing after a colon, got '{}'", name, options.argument);
    require(colon == std::string::npos || !options.argument.empty(),
            "--topology {}: has no {} after the colon", name, entry.argument);
    require(entry.takes != Argument::kRequired || !options.argument.empty(),
            "--topology {} needs a file: {}:{}", name, name, entry.argument);
    return entry.make(options);
  }
  throw UsageError(unknown_name("topology", name, known));
}

}  // namespace valley
