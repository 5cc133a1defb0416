// The graph that each method takes, and why it takes no other.
#include "valley/algorithms/ad_psgd.h"
#include "valley/algorithms/choco.h"
#include "valley/algorithms/d2.h"
#include "valley/algorithms/dpsgd.h"
#include "valley/algorithms/dsgd_ac.h"
#include "valley/algorithms/dsgtm_tv.h"
#include "valley/algorithms/gradient_tracking.h"
#include "valley/algorithms/graph.h"
#include "valley/algorithms/qg_dsgdm.h"
#include "valley/algorithms/sgp.h"
#include "valley/core/error.h"
#include "valley/topology/spectrum.h"

namespace valley {
namespace {

constexpr Key kTopologyKey = {"topology"}, kMixingKey = {"mixing"};
constexpr auto kDoubly = Graph::Weights::kDoublyStochastic;

void require_no_cta(MixingOrder order, const std::string& algorithm) {
  require(order != MixingOrder::kCta, "{} cta is not a form of {}: awc or atc", kMixingKey,
          algorithm);
}

void require_static(const Graph& graph, const std::string& topology, const std::string& algorithm) {
  require(graph.topology().cycle() == 1 && !graph.topology().directed(),
          "{} {} changes over time or is directed; {} needs one undirected graph", kTopologyKey,
          topology, algorithm);
}

}  // namespace

Graph graph_of(const DpsgdOptions& o, int workers, uint64_t seed) {
  return {o.topology, o.lazy, workers, seed, "dpsgd", kDoubly};
}

Graph graph_of(const DsgdAcOptions& o, int workers, uint64_t seed) {
  return {o.topology, o.lazy, workers, seed, "dsgd-ac", kDoubly};
}

Graph graph_of(const SgpOptions& o, int workers, uint64_t seed) {
  require_no_cta(o.mixing, "sgp");
  return {o.topology, o.lazy, workers, seed, "sgp", Graph::Weights::kAny};
}

Graph graph_of(const GradientTrackingOptions& o, int workers, uint64_t seed) {
  require_no_cta(o.mixing, "gradient-tracking");
  return {o.topology, o.lazy, workers, seed, "gradient-tracking", kDoubly};
}

Graph graph_of(const DsgtmTvOptions& o, int workers, uint64_t seed) {
  return {o.topology, false, workers, seed, "dsgtm-tv", Graph::Weights::kAny};
}

Graph graph_of(const QgDsgdmOptions& o, int workers, uint64_t seed) {
  return {o.topology, o.lazy, workers, seed, "qg-dsgdm", kDoubly};
}

Graph graph_of(const D2Options& o, int workers, uint64_t seed) {
  Graph graph(o.topology, o.lazy, workers, seed, "d2", kDoubly);
  require_static(graph, o.topology, "d2");
  const double smallest = lambda_min(graph.matrix(0));
  // -1/3 itself is reached by rings of an even number of workers, up to rounding.
  require(smallest > -1.0 / 3 + 1e-9,
          "{} {} with {} workers has lambda_min {:.6f}; d2 needs more than -1/3 ({} mixes with "
          "(I + P) / 2)",
          kTopologyKey, o.topology, workers, smallest, Key{"lazy"});
  return graph;
}

Graph graph_of(const ChocoOptions& o, int workers, uint64_t seed) {
  Graph graph(o.topology, o.lazy, workers, seed, "choco", kDoubly);
  require(graph.topology().cycle() == 1,
          "{} {} changes over time; choco needs one that stays, because neighbours keep replicas",
          kTopologyKey, o.topology);
  return graph;
}

// Of its super-learners.
Graph graph_of(const AdPsgdOptions& o, int all, uint64_t seed) {
  check_ranges(o);  // before anything is divided by it
  require(all % o.super_learner == 0, "{} {} does not divide the {} workers", Key{"super-learner"},
          o.super_learner, all);
  const int workers = static_cast<int>(all / o.super_learner);
  Graph graph(o.topology, false, workers, seed, "ad-psgd", kDoubly);
  require_static(graph, o.topology, "ad-psgd");
  require(graph.topology().graph(0).sides().has_value(),
          "{} {} with {} workers has a cycle of odd length; ad-psgd needs a graph of two sides: "
          "ring with an even number of workers, grid, hypercube or star",
          kTopologyKey, o.topology, workers);
  return graph;
}

}  // namespace valley
