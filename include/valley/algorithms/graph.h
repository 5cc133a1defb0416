#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "valley/topology/topology.h"

namespace valley {

/// The topology that a method's options name, and its matrices with `lazy` applied.
class Graph {
 public:
  enum class Weights { kDoublyStochastic, kAny };

  /// `algorithm` names itself in the error.
  /// @throws UsageError as make_topology() does; or if the method needs doubly stochastic weights
  ///     and the topology has none.
  Graph(const std::string& topology, bool lazy, int workers, uint64_t seed,
        const std::string& algorithm, Weights weights);

  /// P(t), or (I + P(t)) / 2 if lazy.
  const MixingMatrix& matrix(int64_t t);
  const Topology& topology() const { return *topology_; }

 private:
  std::unique_ptr<Topology> topology_;
  bool lazy_;
  int64_t of_ = -1;  // the step that matrix_ is of
  std::optional<MixingMatrix> matrix_;
};

struct AdPsgdOptions;
struct ChocoOptions;
struct D2Options;
struct DpsgdOptions;
struct DsgdAcOptions;
struct DsgtmTvOptions;
struct GradientTrackingOptions;
struct NoLoCoOptions;
struct QgDsgdmOptions;
struct RelaySgdOptions;
struct SgpOptions;

/// The graph of each method, if it is one that the method can use.
/// @throws UsageError
Graph graph_of(const AdPsgdOptions& options, int workers, uint64_t seed);
Graph graph_of(const ChocoOptions& options, int workers, uint64_t seed);
Graph graph_of(const D2Options& options, int workers, uint64_t seed);
Graph graph_of(const DpsgdOptions& options, int workers, uint64_t seed);
Graph graph_of(const DsgdAcOptions& options, int workers, uint64_t seed);
Graph graph_of(const DsgtmTvOptions& options, int workers, uint64_t seed);
Graph graph_of(const GradientTrackingOptions& options, int workers, uint64_t seed);
Graph graph_of(const NoLoCoOptions& options, int workers, uint64_t seed);
Graph graph_of(const QgDsgdmOptions& options, int workers, uint64_t seed);
Graph graph_of(const RelaySgdOptions& options, int workers, uint64_t seed);
Graph graph_of(const SgpOptions& options, int workers, uint64_t seed);

/// The graph of a method, once the number of workers is known.
class GraphFor {
 public:
  /// Of the method with these options, as graph_of() makes it.
  template <typename Options>
  GraphFor(const Options& options, uint64_t seed)
      : make_([options, seed](int workers) { return graph_of(options, workers, seed); }) {}

  /// To be called before anything is asked, and again for another number of workers.
  /// @throws UsageError as graph_of()
  void prepare(int workers) { graph_.emplace(make_(workers)); }

  const MixingMatrix& matrix(int64_t t) { return graph_->matrix(t); }
  const Topology& topology() const { return graph_->topology(); }
  const Graph& graph() const { return *graph_; }

 private:
  std::function<Graph(int workers)> make_;
  std::optional<Graph> graph_;
};

/// Whom learner `rank` of ad-psgd may ask for a meeting; nobody if it is of the passive side.
std::vector<int> partners(const Graph& graph, int rank);

/// Bytes that worker `rank` puts into one mixing of d values with P: to each of its neighbours; or
/// once, where P is the average of all.
int64_t mixing_bytes(const MixingMatrix& p, int rank, int64_t d, int64_t element_size);

/// Whether P is the average of all, which one all-reduce computes.
bool is_average(const MixingMatrix& p);

}  // namespace valley
