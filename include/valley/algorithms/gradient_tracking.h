#pragma once

#include <memory>
#include <string>

#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

struct GradientTrackingOptions {
  std::string topology = "ring";  ///< make_topology() takes it
  MixingOrder mixing = MixingOrder::kAtc;
  bool lazy = false;  ///< mix with (I + P) / 2
};

template <typename V>
void visit(GradientTrackingOptions& o, V& v) {
  v(kTopology, o.topology);
  v(kMixing, o.mixing);
  v(kLazy, o.lazy);
}

/// Gradient tracking: dpsgd for workers whose data differ. Each worker follows y, its estimate of
/// the mean gradient, so that all come to rest at the minimum of the mean loss, where dpsgd with a
/// constant learning rate stays beside it. tracking.h has the recursion; A = B = P of the topology,
/// and --mixing chooses between awc and atc.
///
/// Cost of a step: 2 d values to every neighbour (d in the first); on the complete graph
/// all-reduces of d each. State: the number of steps, y, the last gradient.
///
/// Reference: Di Lorenzo and Scutari, "NEXT: In-Network Nonconvex Optimization", IEEE Transactions
/// on Signal and Information Processing over Networks 2(2), 2016, arXiv:1602.00591, for tracking;
/// both orders are common in the literature since.
std::unique_ptr<Algorithm> make_gradient_tracking(const GradientTrackingOptions&,
                                                  const AlgorithmContext&);

}  // namespace valley
