#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

struct DpsgdOptions {
  std::string topology = "ring";  ///< make_topology() takes it
  MixingOrder mixing = MixingOrder::kAtc;
  bool lazy = false;          ///< mix with (I + P) / 2
  int64_t gossip_period = 1;  ///< local steps from mixing to mixing
  int64_t gossips = 1;        ///< mixings one after the other
};

template <typename V>
void visit(DpsgdOptions& o, V& v) {
  v(kTopology, o.topology);
  v(kMixing, o.mixing);
  v(kLazy, o.lazy);
  v("gossip-period", o.gossip_period, at_least(1), "local steps from one mixing to the next",
    kYounger);
  v("gossips", o.gossips, at_least(1), "mixings one after the other, each time", kYounger);
}

/// DPSGD, decentralised parallel SGD: in every step each worker mixes its weights with those of
/// its neighbours only. P is the topology's matrix of the step, g_j worker j's gradient.
///
///     awc, adapt while communicate    x_j <- sum_k P_jk x_k - alpha g_j(x_j)
///     atc, adapt then combine         x_j <- sum_k P_jk (x_k - alpha g_k(x_k))
///     cta, combine then adapt         v_j = sum_k P_jk x_k;  x_j <- v_j - alpha g_j(v_j)
///
/// "- alpha g" stands for the local optimizer's step. With awc the weights travel while the
/// gradient is computed. The mean of the workers moves by the mean of their steps, whatever P is.
/// On a quadratic of curvature h, atc and cta are stable while alpha h < 2 as SGD is, awc only
/// while alpha h < 1 + lambda_min(P) (2/3 on a ring; --lazy mixes with (I + P) / 2 and brings that
/// to 1 + (1 + lambda_min) / 2).
///
/// With a gossip period tau only every tau-th step mixes, by P of the round; with G gossips, G
/// matrices of the topology one after the other, which is the exact mean for base-graph and G its
/// length. With AdamW for the local optimizer the moments stay local: decentralised Adam; with
/// sharpness-aware gradients (--sam) and a gossip period this is DFedSAM.
///
/// Cost of a step: d values to every neighbour; on the complete graph one all-reduce of d;
/// that G times every tau steps. Memory: d for every neighbour, 2 d more with awc. State: the
/// number of steps.
///
/// Reference: Lian et al., "Can Decentralized Algorithms Outperform Centralized Algorithms?",
/// NeurIPS 2017, arXiv:1705.09056, for the method (awc); Zhang et al., "Loss Landscape Dependent
/// Self-Adjusting Learning Rates in Decentralized Stochastic Gradient Descent", arXiv:2112.01433,
/// for what it does at large batches. The limits of stability are derived here.
std::unique_ptr<Algorithm> make_dpsgd(const DpsgdOptions&, const AlgorithmContext&);

}  // namespace valley
