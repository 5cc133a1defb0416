#pragma once

#include <cstdint>
#include <functional>

#include "valley/algorithms/state.h"
#include "valley/comm/communicator.h"

namespace valley {

/// Slow workers do fewer local steps in a period, so that the others need not wait for them, and
/// count for as much less. Worker m does the first n_m of the tau steps of a period, and rests in
/// the others; the mean of a round is
///
///     x_A = sum_m n_m x_m / sum_m n_m
///
/// for which the workers hand in W_m x_m, W_m = M n_m / sum_k n_k, in place of x_m. Then with t_m,
/// the seconds of a local step in this period, and t the lower median of them
///
///     n_m = max(1, round(s_m tau)),   s_m = min(1, max(least, t / t_m))
///
/// in the next one. In the first period, and before anything is measured, all do all. Where all
/// have done the same the mean is that of all, to the bit.
///
/// Cost of a round: an all-gather of 2 values beside the method's, and a copy of x where its
/// weight is not 1. State: steps done, and s_m.
///
/// How many steps a worker does depends on the time, so that no two runs need be alike; once that
/// is decided nothing else does. The weights by local steps are those by which fedavg counts its
/// workers: McMahan et al., AISTATS 2017, arXiv:1602.05629, there by examples.
class FewerSteps {
 public:
  /// @throws UsageError without the seconds.
  FewerSteps(double least, std::function<double()> worked_seconds);

  /// A membership begins.
  void join();

  bool rests(int64_t period) const;
  void did_step();

  /// All workers together, when they meet: W_m. From here on it is the next period.
  double weigh(Communicator& comm);

  /// Of the period before the last weigh().
  int64_t last_done() const { return last_done_; }

  void append_to(AlgorithmState& state) const;
  void load(const AlgorithmState& state);

 private:
  double least_;
  std::function<double()> worked_seconds_;
  int64_t done_ = 0, last_done_ = 0;
  double share_ = 1;
  int64_t timed_ = 0;  // steps since `since_`
  double since_ = 0;
};

}  // namespace valley
