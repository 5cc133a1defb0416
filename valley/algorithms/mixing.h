#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "valley/algorithms/registry.h"
#include "valley/comm/communicator.h"
#include "valley/topology/topology.h"

namespace valley {

/// One mixing of the workers' vectors with a matrix P, started and finished:
///
///     out_j <- sum_k P(j, k) x_k
///
/// Computed as x_j + sum_k P(j, k) (x_k - x_j) where the row sums to 1, so that workers that agree
/// are left as they are to the bit. Every worker hands in the same P.
///
/// Cost: every worker sends its d values to each of its neighbours; where P is the average of all,
/// one all-reduce of d values instead. Memory: d for every neighbour, and d for start(), kept.
class Mixer {
 public:
  /// Sends a copy of x [d]: the gradient may be computed somewhere else meanwhile (SAM moves x).
  void start(Communicator& comm, const MixingMatrix& p, const at::Tensor& x);

  /// out [d] may be the x of start().
  void finish(at::Tensor& out);

  /// The same in place and at once, without the copy.
  void mix(Communicator& comm, const MixingMatrix& p, at::Tensor& x);

  /// Bytes that worker `rank` puts into one mixing of d values.
  static int64_t bytes(const MixingMatrix& p, int rank, int64_t d, int64_t element_size);

 private:
  void prepare(int rank, const MixingMatrix& p, const at::Tensor& x);
  void apply(const at::Tensor& x, at::Tensor& out);

  int workers_ = 1;
  at::Tensor copy_;  // what start() sends
  std::vector<Message> sends_, receives_;
  double own_ = 1;                    // the sum of the row
  std::vector<double> weights_;       // of the neighbours
  std::vector<at::Tensor> received_;  // from them; or the sum over all
  bool all_ = false;                  // P is the average of all
  std::unique_ptr<Work> work_;
};

/// The topology that the options name, and its matrices with --lazy applied.
class Graph {
 public:
  enum class Weights { kDoublyStochastic, kAny };

  /// `algorithm` names itself in the error.
  Graph(const AlgorithmOptions& options, uint64_t seed, std::string algorithm, Weights weights);

  /// To be called before anything is asked, and again for another number of workers.
  /// @throws UsageError as make_topology() does; or if the method needs doubly stochastic weights
  ///     and the topology has none.
  void prepare(int workers);

  /// P(t), or (I + P(t)) / 2 if lazy.
  const MixingMatrix& matrix(int64_t t);
  const Topology& topology() const { return *topology_; }
  const std::string& name() const { return name_; }

 private:
  std::string name_;
  bool lazy_;
  uint64_t seed_;
  std::string algorithm_;
  Weights weights_;
  std::unique_ptr<Topology> topology_;
  int64_t of_ = -1;  // the step that matrix_ is of
  std::optional<MixingMatrix> matrix_;
};

/// Bytes a worker sends in round `cost.round` of a method that mixes one vector of d values a step.
int64_t mixing_bytes(const RoundCost& cost, const AlgorithmOptions& options);

}  // namespace valley
