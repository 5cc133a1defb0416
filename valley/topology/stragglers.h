#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "valley/topology/topology.h"

namespace valley {

/// How fast each worker is.
struct Pace {
  std::vector<double> step_seconds;  ///< of one gradient, by worker; > 0
  double message_seconds = 0;        ///< of one exchange of weights; >= 0
};

/// What slow workers cost: simulated steps that the workers have finished after `seconds`, by
/// worker, from a start at the same moment. No clock is asked, no gradient computed.
///
/// synchronous: every step ends for all when the slowest has its gradient and one exchange is made
/// (ssgd). Without messages n / max_i t_i steps a second together.
///
/// with_neighbours: worker j begins step k + 1 when its gradient of step k is ready, those who send
/// to it in P(k) have finished theirs, and one exchange is made (dpsgd).
///
/// asynchronous: a worker begins its next step as soon as its own gradient is ready (ad-psgd). In
/// every step a worker of the active side meets a random neighbour meanwhile; a meeting takes one
/// exchange during which both meet nobody else, and it must be over before the step is. Without
/// messages sum_i 1 / t_i steps a second together.
///
/// @throws UsageError unless there is a pace for every worker, in range, and `seconds` > 0;
///     asynchronous: if the graph has no two sides (Digraph::sides).
std::vector<int64_t> synchronous_steps(const Pace& pace, double seconds);
std::vector<int64_t> steps_with_neighbours(const Topology& topology, const Pace& pace,
                                           double seconds);
std::vector<int64_t> asynchronous_steps(const Topology& topology, const Pace& pace, double seconds,
                                        uint64_t seed);

/// Steps a second of all workers together where worker 0 takes `slower` seconds for a step and the
/// others one.
struct Straggling {
  double ssgd = 0, dpsgd = 0;
  std::optional<double> ad_psgd = {};  ///< none where the graph changes or has no two sides
};
Straggling straggle(const Topology& topology, double slower, double message_seconds, uint64_t seed);

}  // namespace valley
