#include "valley/topology/traffic.h"

namespace valley {

Traffic traffic_of(const Topology& topology, const TopologyFacts& facts, int64_t values) {
  const double bytes = 4.0 * static_cast<double>(values);
  const double push_sum_weight = topology.doubly_stochastic() ? 0 : 4;
  const double n = topology.workers();
  return {.mean = facts.mean_messages * (bytes + push_sum_weight),
          .most = facts.most_messages * (bytes + push_sum_weight),
          .all_reduce = 2 * (n - 1) / n * bytes};
}

}  // namespace valley
