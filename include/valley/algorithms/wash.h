#pragma once

#include <memory>

#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

struct WashOptions {
  double exchange_share = 0.005;  ///< s
};

template <typename V>
void visit(WashOptions& o, V& v) {
  v(kExchangeShare, o.exchange_share);
}

/// WASH: in every step a random share s of the values is shuffled among the workers, each value by
/// a permutation of its own:
///
///     x_m[i] <- x_{pi_i(m)}[i]      at ceil(s d) places i, pi_i uniform, drawn anew in every step
///
/// The mean of the workers stays, and so does their distance from it, sum_m r_m^2: they keep close
/// enough for their average to be a good network without being drawn together.
///
/// Cost of a step: an all-gather of s d values. Memory: M s d. State: the number of steps.
///
/// Reference: "WASH", arXiv:2405.17517, in its plain form: one share for all layers, and the
/// momentum of the local optimizer stays where it is. The default is ours.
std::unique_ptr<Algorithm> make_wash(const WashOptions&, const AlgorithmContext&);

}  // namespace valley
