#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>

#include "valley/algorithms/round_parts.h"
#include "valley/algorithms/state.h"
#include "valley/compression/compressor.h"

namespace valley {

/// The workers of a compressed round, as all of them know them: k_m, on every worker the same,
/// which follows x_m by what is sent. The round takes place among the replicas, and every worker
/// goes the way of its own:
///
///     q_m = C(x_m - k_m)                                sent to all
///     k_m <- k_m + q_m                                  on every worker, for all m
///     k'_1, .., k'_M = the round from k_1, .., k_M      computed by every worker
///     x_m <- x_m + (k'_m - k_m),   k_m <- k'_m
///
/// What the compressor drops, x_m - k_m, is not touched by the round and is sent with the next
/// difference: the displacement since the last round with error feedback. Whatever the pull, the
/// error follows e <- (I - C)(e + local steps) and stays bounded; had the replicas stayed behind,
/// every round would send its own move once more, and full pull with a compressor that drops much
/// would diverge. The workers move by what they know, so that the mean of the x moves as the mean
/// of the replicas does; without gradients both come to rest at one place. A report's distance is
/// that of the replicas.
///
/// The replicas begin where a membership begins, which all know and which costs nothing.
///
/// Cost of a round: an all-gather of one payload. Memory: (M + 2) d and M payloads. State: k, M d.
///
/// Our reading: CHOCO's differences to a replica (choco.h) on the complete graph, with the move of
/// the round taken by both sides, as where error feedback sends displacements from a common point:
/// Basu, Data, Karakus and Diggavi, "Qsparse-local-SGD", NeurIPS 2019, arXiv:1906.02367.
class KnownReplicas {
 public:
  /// @throws UsageError for a compressor that is none.
  KnownReplicas(const std::string& compress, uint64_t seed);

  void begin(const Communicator& comm, const at::Tensor& x);

  /// All workers together: the replicas follow x [d] of the step.
  void send(Communicator& comm, int64_t step, const at::Tensor& x);

  const at::Tensor& all() const { return k_; }  ///< [M, d]

  /// Moves all of them by the rule, and x along with its own. The report is this worker's.
  RoundReport move(Rule& rule, const PendingRound& met, at::Tensor& x);

  /// Where that would take x; all stays as it is.
  at::Tensor view(Rule& rule, const PendingRound& met, const at::Tensor& x) const;

  void append_to(AlgorithmState& state) const { kept_.append_to(state); }
  void load(const AlgorithmState& state) { kept_.load(state); }

  /// After load() of what another group of workers left, which knew them by other numbers: all of
  /// now stand, for the others, where its first one stood.
  void regroup(int workers);

 private:
  std::unique_ptr<Compressor> compressor_;
  uint64_t seed_;
  int64_t rank_ = 0;
  at::Tensor k_;                   // [M, d]
  at::Tensor difference_, spare_;  // [d]
  at::Tensor payload_;             // uint8
  KeptVectors kept_;
};

}  // namespace valley
