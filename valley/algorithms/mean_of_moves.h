#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "valley/algorithms/mean_coder.h"
#include "valley/algorithms/round_parts.h"

namespace valley {

/// The mean of all, which the workers follow by what they say of their moves since the last round,
/// with error feedback:
///
///     v_m = e_m + (x_m - a_m)
///     s   = r + the mean of what is said of the v_m (mean_coder.h),   e_m <- the rest of v_m
///     x_m <- where the rule takes worker m
///     r   <- where it takes a worker that stands at s
///     a_m <- r + (1 - alpha) (x_m - s), with the x_m from before: where the pull alone, which the
///            rule reports, would have taken worker m
///
/// s, the same on all workers, is what they take for their mean. What the pull does to them all
/// know, so that it need not be said: only local steps are, pushes, and what was not said of them
/// before. So workers may stand apart, at the width of the valley, and little may be said of a
/// vector; whatever the pull, nothing is lost: r + (1/M) sum_m e_m is where the rule would have
/// taken the mean had all been said (but for what an owner of a slice has still to say). Where all
/// is said, the rounds are those of the mean itself.
///
/// Where workers come and go, r stays what all know, and e begins anew, the coder's, too: what a
/// worker that is gone had still to say is lost, and nobody says for another.
///
/// The distances of a report are those from s. With one worker nothing is coded.
///
/// Cost: that of the coder. Memory: 4 d and that of the coder. State: r, a, e and the coder's.
///
/// Our reading: error feedback on the displacement of a round as of Basu, Data, Karakus and
/// Diggavi, "Qsparse-local-SGD", NeurIPS 2019, arXiv:1906.02367, with a common point that goes the
/// way of the rule.
class MeanOfMoves : public MeanOfAll {
 public:
  explicit MeanOfMoves(std::unique_ptr<MeanCoder> coder);

  void prepare(int workers) override { workers_ = workers; }
  void begin(const at::Tensor& x) override;
  PendingRound meet(Communicator& comm, const at::Tensor& x, int64_t round) override;
  bool meet_and_pull(Communicator&, at::Tensor&, int64_t, const WeightOfRound&) override {
    return false;  // others are moved along
  }
  void start(Communicator& comm, const at::Tensor& x, int64_t round) override;
  PendingRound finish() override;
  bool regroup() override;
  std::vector<at::Tensor> moved_along() override;
  void applied(const PendingRound& met, const RoundReport& report) override;

  /// What they take for their mean is not quite it.
  bool of_all() const override { return workers_ == 1; }

 private:
  PendingRound bring();

  std::unique_ptr<MeanCoder> coder_;
  int workers_ = 1;
  at::Tensor r_, a_, e_, sum_;  // [d]; while a round is pending, a_ is x_m - s
  Communicator* comm_ = nullptr;
};

}  // namespace valley
