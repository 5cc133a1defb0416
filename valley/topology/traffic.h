#pragma once

#include <cstdint>

#include "valley/topology/facts.h"

namespace valley {

/// What a model of float32 values costs here, and what an all-reduce would, in bytes that a worker
/// sends in a step.
struct Traffic {
  double mean = 0, most = 0;  ///< over workers and steps; push-sum sends a weight along
  double all_reduce = 0;      ///< 2 (n - 1) / n of the model
};
Traffic traffic_of(const Topology& topology, const TopologyFacts& facts, int64_t values);

}  // namespace valley
