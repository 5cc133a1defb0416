#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "valley/algorithms/graph.h"
#include "valley/algorithms/pending_round.h"
#include "valley/comm/communicator.h"
#include "valley/topology/topology.h"

namespace valley {

/// Row j of P, as mix_into() takes it.
struct MixingRow {
  explicit MixingRow(const Neighbourhood& neighbourhood);

  double own;                   ///< the sum of the row
  std::vector<double> weights;  ///< of the neighbours, ranks ascending
};

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

  /// The same for a rule to apply: what a worker is drawn to is what was mixed, or where P is the
  /// average of all, their mean. It stands in the mixer until the next mixing; x stays.
  PendingRound meet(Communicator& comm, const MixingMatrix& p, const at::Tensor& x);
  PendingRound finish();  ///< after start()

 private:
  void prepare(int rank, const MixingMatrix& p, const at::Tensor& x);
  void exchange(Communicator& comm, const MixingMatrix& p, const at::Tensor& x);
  void wait() { std::exchange(work_, nullptr)->wait(); }
  void apply(const at::Tensor& x, at::Tensor& out);
  PendingRound met(const at::Tensor& x);

  int workers_ = 1;
  at::Tensor copy_;  // what start() sends
  std::vector<Message> sends_, receives_;
  std::optional<MixingRow> row_;      // none: P is the average of all
  std::vector<at::Tensor> received_;  // from the neighbours; or the sum over all
  std::unique_ptr<Work> work_;
};

}  // namespace valley
