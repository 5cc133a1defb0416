#pragma once

#include <memory>
#include <string>

#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

/// Where the replicas begin.
enum class Replicas { kInitial, kZero };

inline constexpr OneOf<Replicas>::Name kReplicaNames[] = {{"initial", Replicas::kInitial},
                                                          {"zero", Replicas::kZero}};

struct ChocoOptions {
  std::string topology = "ring";
  bool lazy = false;
  std::string compress = "top-k:0.1";  ///< make_compressor() takes it
  double consensus_step = 0.1;         ///< gamma
  Replicas replicas = Replicas::kInitial;
};

template <typename V>
void visit(ChocoOptions& o, V& v) {
  v(kTopology, o.topology);
  v(kLazy, o.lazy);
  v(kCompress, o.compress);
  v("consensus-step", o.consensus_step, in(0, 1).open_below(), "gamma, in (0, 1]");
  v("replicas", o.replicas, one_of("start of the replicas", kReplicaNames),
    "begin at the workers' initial weights, or at zero", kYounger);
}

/// CHOCO-SGD: decentralised SGD that sends compressed differences. Every worker and its neighbours
/// keep the same replica xh_j of x_j, which follows it by what is sent, C the compressor:
///
///     x_j  <- x_j - alpha g_j(x_j)                         the local optimizer's step
///     q_j   = C(x_j - xh_j)                                sent to the neighbours
///     xh_j <- xh_j + q_j
///     x_j  <- x_j + gamma sum_k P_jk (xh_k - xh_j)
///
/// gamma is --consensus-step: small where the compressor drops much. The mean of the workers moves
/// by the mean of their steps, whatever is dropped. P must stay the same over time, because of the
/// neighbours' replicas only the sum s_j = sum_k P_jk xh_k is kept.
///
/// --replicas says where xh begins: `initial`, at the common start of the workers, which all know
/// and which costs nothing; `zero`, at 0 as in the paper, so that the compressor has the whole of x
/// to send at first. Where it drops much the two end apart; with `none` they are the same.
///
/// Cost of a step: a payload of the compressor to every neighbour. Memory: 4 d and a payload for
/// every neighbour. State: the number of steps, xh and s.
///
/// Reference: Koloskova, Stich and Jaggi, "Decentralized Stochastic Optimization and Gossip
/// Algorithms with Compressed Communication", ICML 2019, arXiv:1902.00340.
///
/// @throws UsageError if gamma is not in (0, 1], the compressor is unknown, or the topology changes
///     over time.
std::unique_ptr<Algorithm> make_choco(const ChocoOptions&, const AlgorithmContext&);

}  // namespace valley
