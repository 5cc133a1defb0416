#pragma once

#include <memory>
#include <string>

#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

struct QgDsgdmOptions {
  std::string topology = "ring";
  bool lazy = false;
  double quasi_momentum = 0.9;  ///< beta
};

template <typename V>
void visit(QgDsgdmOptions& o, V& v) {
  v(kTopology, o.topology);
  v(kLazy, o.lazy);
  v("quasi-momentum", o.quasi_momentum, in(0, 1).open_above(),
    "beta, in [0, 1); with {momentum} below 1");
}

/// QG-DSGDm: decentralised SGD with quasi-global momentum, for workers whose data differ. The
/// momentum is taken from how the mixed weights moved, not from local gradients, so that it points
/// where all go; nothing more is sent.
///
///     x_half = x_j - alpha (g_j(x_j) + beta m_j)
///     x_j'   = sum_k P_jk x_half_k
///     m_j   <- beta m_j + (1 - beta) (x_j - x_j') / alpha
///
/// beta is --quasi-momentum. The local optimizer has none of its own unless it is given one
/// (--momentum), and then the two must stay below 1 together: require_stable_momentum(). A learning
/// rate of 0 leaves m as it is.
///
/// Cost of a step: d values to every neighbour; on the complete graph one all-reduce of d. Memory:
/// 2 d and d for every neighbour. State: the number of steps and m.
///
/// Reference: Lin, Karimireddy, Stich and Jaggi, "Quasi-Global Momentum: Accelerating Decentralized
/// Deep Learning on Heterogeneous Data", ICML 2021, arXiv:2102.04761.
///
/// @throws UsageError if beta is not in [0, 1).
std::unique_ptr<Algorithm> make_qg_dsgdm(const QgDsgdmOptions&, const AlgorithmContext&);

}  // namespace valley
