#pragma once

#include <memory>
#include <string>

#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

struct SgpOptions {
  std::string topology = "ring";  ///< make_topology() takes it
  MixingOrder mixing = MixingOrder::kAtc;
  bool lazy = false;  ///< mix with (I + P) / 2
};

template <typename V>
void visit(SgpOptions& o, V& v) {
  v(kTopology, o.topology);
  v(kMixing, o.mixing);
  v(kLazy, o.lazy);
}

/// SGP, stochastic gradient push: decentralised SGD over directed graphs. P is column-stochastic:
/// a worker decides how it divides what it sends, and nobody needs to know who sends to it.
///
///     z_j = x_j / w_j,   w_j = 1 at the start
///     x_j <- x_j - alpha g_j(z_j)                         the local optimizer's step, taken at z_j
///     x_j <- sum_k P_jk x_k,   w_j <- sum_k P_jk w_k
///
/// The worker's parameters are z. The sums of x and of w over the workers are kept by the mixing.
/// Where P is doubly stochastic w stays 1 and the method is dpsgd with the same order of mixing.
/// That was atc; with awc, SGP with overlap, x and w travel while the gradient is computed:
///
///     x_j <- sum_k P_jk x_k - alpha g_j(z_j),   w_j <- sum_k P_jk w_k
///
/// Cost of a step: d + 1 values to every receiver; on the complete graph one all-reduce of d + 1.
/// Memory: 2 d and d for every sender, d more with awc. State: the number of steps, x and w.
///
/// Reference: Assran, Loizou, Ballas and Rabbat, "Stochastic Gradient Push for Distributed Deep
/// Learning", ICML 2019, arXiv:1811.10792. Their overlap may be longer than a step; ours is one.
///
/// @throws UsageError for mixing cta: the gradient has its place, z, already.
std::unique_ptr<Algorithm> make_sgp(const SgpOptions&, const AlgorithmContext&);

}  // namespace valley
