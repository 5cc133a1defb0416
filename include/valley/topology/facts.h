#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "valley/topology/topology.h"

namespace valley {

/// What can be said of a topology before anything is trained.
struct TopologyFacts {
  int fewest_messages = 0;  ///< that a worker sends in a step
  int most_messages = 0;
  double mean_messages = 0;  ///< over workers and steps

  /// By which factor the distance to the mean shrinks in a step; 1 - rate is the spectral gap.
  /// One matrix: ||P - J||_2. A cycle of T: the T-th root of cycle_rate. Random: the root of the
  /// mean square, E ||d'||^2 / ||d||^2 over steps and over directions of d. Push-sum: in the long
  /// run, the second largest modulus of an eigenvalue; nothing if it is random.
  std::optional<double> rate;
  /// ||P(T-1) ... P(0) - J||_2, or that eigenvalue of the product; nothing for random ones.
  std::optional<double> cycle_rate;
  /// Of a single P; nothing for those that change.
  std::optional<double> lambda_min;
  /// Learning rate times curvature below which --mixing awc is stable on a quadratic: awc_limit();
  /// for random ones in mean square, c < m1 + sqrt(m1^2 - m2 + 1) with m1, m2 the mean of
  /// d'.d / d.d and of d'.d' / d.d. Nothing for push-sum.
  std::optional<double> awc_limit;

  /// From step 0, whatever the start, until less than this share of the distance to the mean is
  /// left. Nothing if it is not reached in kMostSteps steps.
  std::optional<int64_t> steps_to_thousandth, steps_to_millionth;
  /// As many steps bring everyone to the mean up to rounding, from any phase of the cycle.
  std::optional<int64_t> exact_after;

  static constexpr int64_t kMostSteps = 1'000'000;
};

/// Costs some hundred products of [n, n] matrices.
TopologyFacts analyse(const Topology& topology);

/// The largest share of a distance to the mean that `product` = P(t-1) ... P(0) leaves: the
/// spectral norm of product - J. If only the columns of the matrices sum to 1, of what push-sum
/// makes of it, x / w with w = product 1.
double disagreement(const MixingMatrix& product);

/// The first t > 0 at which disagreement(P(t-1) ... P(0)) < share; nothing if it takes more than
/// `most`.
std::optional<int64_t> steps_to_consensus(const Topology& topology, double share, int64_t most);

/// One step, as the worst start would see it.
struct StepFacts {
  int messages = 0;
  double rate = 0;  ///< disagreement(P(t))
  double left = 0;  ///< disagreement(P(t) ... P(0))
};
std::vector<StepFacts> follow(const Topology& topology, int64_t steps);

}  // namespace valley
