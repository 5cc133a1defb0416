#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "valley/algorithms/round_parts.h"

namespace valley {

/// The meeting of lsgd: where the worker with the lowest mean loss since the last round stands, and
/// the sum of all if it is wanted. With a leader pull every local step goes towards the last leader
/// as well; see lsgd.h.
///
/// Cost of a round: an all-gather of 1 value, a broadcast of d and, with the sum, an all-reduce of
/// d. In two parts the value is gathered at the start, and the rest is started. State: sum and
/// number of the losses; with a leader pull the last leader, d.
class FollowTheLeader : public Meeting {
 public:
  FollowTheLeader(double leader_pull, bool with_sum);

  void prepare(int workers) override { workers_ = workers; }
  void begin(const at::Tensor& x) override;
  void append_to(AlgorithmState& state) const override;
  void load(const AlgorithmState& state) override;
  void after_local_step(const StepInfo& info, int64_t period, at::Tensor& x) override;
  PendingRound meet(Communicator& comm, const at::Tensor& x, int64_t round) override;
  void start(Communicator& comm, const at::Tensor& x, int64_t round) override;
  PendingRound finish() override;
  void applied(const PendingRound& met, const RoundReport& report) override;
  PendingRound among(Communicator& comm, const at::Tensor& all, int64_t round) override;

 protected:
  /// The rank with the lowest loss; the losses begin anew.
  int find_leader(Communicator& comm, const at::Tensor& like);

  bool with_sum() const { return with_sum_; }
  int workers() const { return workers_; }

  at::Tensor next_, sent_;                    // the leader's weights, and own ones; [d]
  std::vector<std::unique_ptr<Work>> works_;  // while it is under way

 private:
  /// Finds the leader, and makes room; its weights are in next_.
  int lead(Communicator& comm, const at::Tensor& x);

  double leader_pull_;
  bool with_sum_;
  int workers_ = 1;
  at::Tensor leader_;  // the last, [d]; undefined before the first
  at::Tensor sum_;     // [d], kept between rounds
  LossSum losses_;     // since the last round
};

}  // namespace valley
