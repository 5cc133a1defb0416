#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "valley/algorithms/mixing_meeting.h"
#include "valley/compression/compressor.h"

namespace valley {

/// The meeting of choco: compressed differences are sent to the neighbours, which keep a replica of
/// this worker as it keeps one of itself. Worker j is drawn to the mixed replicas,
///
///     q_j   = C(x_j - xh_j),   xh_j <- xh_j + q_j
///     x_C,j = s_j = sum_k P_jk xh_k
///
/// and stood at xh_j for the others. Only s is kept of their replicas, so that P must stay.
///
/// Cost of a round: a payload to every neighbour. Memory: 3 d and a payload for every neighbour.
/// State: xh and s.
class CompressedMixing : public NeighbourMeeting {
 public:
  /// Where the replicas begin.
  enum class Start { kTogether, kZero };

  /// `compress` as make_compressor() takes it. @throws UsageError for one that is none.
  CompressedMixing(GraphFor graph, const std::string& compress, Start start, uint64_t seed);

  void prepare(int workers) override;
  void begin(const at::Tensor& x) override;
  PendingRound meet(Communicator& comm, const at::Tensor& x, int64_t round) override;

 private:
  void find_neighbours(int rank);

  std::unique_ptr<Compressor> compressor_;
  Start start_;
  uint64_t seed_;
  int workers_ = 1;
  at::Tensor replica_, mixed_;         // xh of this worker, s; [d]
  at::Tensor difference_;              // [d]
  at::Tensor payload_;                 // uint8
  std::optional<Neighbourhood> mine_;  // from the first meeting on
  std::vector<Message> sends_, receives_;
};

}  // namespace valley
