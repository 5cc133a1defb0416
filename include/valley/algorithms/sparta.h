#pragma once

#include <memory>

#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

struct SpartaOptions {
  double exchange_share = 0.005;  ///< s
};

template <typename V>
void visit(SpartaOptions& o, V& v) {
  v(kExchangeShare, o.exchange_share);
}

/// SPARTA: in every step a random share s of the values is averaged over all workers, at places
/// that all of them know.
///
///     x_m[i] <- (1/M) sum_k x_k[i]      at ceil(s d) places i, drawn anew in every step
///
/// The mean of the workers stays. s = 1 is local-sgd with a period of 1.
///
/// Cost of a step: one all-reduce of s d values. State: the number of steps.
///
/// Source: known as SPARTA from the code of its authors; there a share of .05 % is spoken of. The
/// default, more for small networks, is ours, and so is the draw without replacement.
std::unique_ptr<Algorithm> make_sparta(const SpartaOptions&, const AlgorithmContext&);

}  // namespace valley
