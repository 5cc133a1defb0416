#pragma once

#include <memory>
#include <string>

#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

struct D2Options {
  std::string topology = "ring";
  bool lazy = false;
};

template <typename V>
void visit(D2Options& o, V& v) {
  v(kTopology, o.topology);
  v(kLazy, o.lazy);
}

/// D2, also known as exact diffusion: dpsgd for workers whose data differ, at dpsgd's price.
///
///     h_t   what the local optimizer makes of x_t
///     x_1     = W h_0
///     x_{t+1} = W (h_t + x_t - h_{t-1})
///
/// With plain SGD that is W (2 x_t - x_{t-1} - alpha (g_t - g_{t-1})); written with h it goes with
/// every optimizer and learning-rate schedule, and all workers come to rest at the minimum of the
/// mean loss. W is the matrix of a static undirected topology with lambda_min(W) > -1/3; --lazy
/// makes any W fit.
///
/// Cost of a step: d values to every neighbour; on the complete graph one all-reduce of d. Memory:
/// 2 d and d for every neighbour. State: the number of steps and h.
///
/// Reference: Tang, Lian, Yan, Zhang and Liu, "D2: Decentralized Training over Decentralized Data",
/// ICML 2018, arXiv:1803.07068; the form with h is exact diffusion, Yuan, Ying, Zhao and Sayed,
/// arXiv:1702.05122.
///
/// @throws UsageError if the topology changes over time, is directed, or lambda_min <= -1/3.
std::unique_ptr<Algorithm> make_d2(const D2Options&, const AlgorithmContext&);

}  // namespace valley
