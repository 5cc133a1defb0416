#pragma once

#include <memory>
#include <string>

#include "valley/algorithms/follow_the_leader.h"
#include "valley/algorithms/wire_mean.h"

namespace valley {

/// The meeting of lsgd in bf16 or fp16: the leader says its difference to the last leader, which
/// all know, and the mean is one of wire_mean.h.
///
///     r <- r + C(x_{m*} - r)          what all are drawn to
///
/// The leader, too, is drawn to r as the others know it, to within the rounding.
///
/// Cost of a round: an all-gather of 1 value, a broadcast of one payload and, with the sum,
/// wire_bytes(). Memory: 2 d more, and payloads. State: r and that of the mean, beside that of
/// follow_the_leader.h.
class LeaderByWire : public FollowTheLeader {
 public:
  LeaderByWire(double leader_pull, bool with_sum, const std::string& wire);

  void prepare(int workers) override;
  void begin(const at::Tensor& x) override;
  void append_to(AlgorithmState& state) const override;
  void load(const AlgorithmState& state) override;
  PendingRound meet(Communicator& comm, const at::Tensor& x, int64_t round) override;
  void start(Communicator& comm, const at::Tensor& x, int64_t round) override;
  PendingRound finish() override;
  bool regroup() override { return with_sum() && mean_.regroup(); }

 private:
  /// Finds the leader, whose payload it makes.
  int lead(Communicator& comm, const at::Tensor& x);

  PendingRound heard(PendingRound met);

  WireCoder coder_;
  WireMean mean_;
  at::Tensor r_, payload_;  // [d], uint8
};

/// The meeting of lsgd, said by `wire`: none, bf16 or fp16.
std::unique_ptr<Meeting> make_leader(double leader_pull, bool with_sum, const std::string& wire);

}  // namespace valley
