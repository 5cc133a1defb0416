#pragma once

#include <memory>
#include <utility>

#include "valley/algorithms/pushed_rounds.h"
#include "valley/core/error.h"

namespace valley {

/// @throws UsageError if the second vector of the exact variant would have to be compressed.
inline void check_compressible(const DppfOptions& o) {
  for (const auto& [text, key] :
       {std::pair{o.compress_rounds, "compress-rounds"}, std::pair{o.wire, "wire"}}) {
    require(o.pull_push.variant == PushVariant::kSimple || text == "none",
            "{} exact sends a second vector, which {} does not compress", Key{"push-variant"},
            Key{key});
  }
}

/// DPPF: local steps, and every tau steps a round that pulls the workers towards their average and
/// pushes them away from it, the push strength following a schedule over the run.
///
///     x_A = (1/M) sum_m x_m
///     x_m <- x_m + alpha (x_A - x_m) + lambda (x_m - x_A) / ||x_m - x_A||
///
/// The distances ||x_m - x_A|| go to lambda / alpha, the predicted width of the valley;
/// pull_push.h says more of the round.
///
/// lambda = 0 is its base method, averaging with strength alpha, bit for bit; alpha = 1 as well is
/// local-sgd.
///
/// With a fading p the pull falls with the learning rate, alpha gamma_t (fading.h): workers that
/// are no longer drawn together, beside workers that are pushed apart; dsgd_ac.h does it with
/// mixing.
///
/// Cost of a round: one all-reduce of d values (push variant exact: two). State: the clock.
///
/// Reference: Dimlioglu and Choromanska, arXiv:2507.20424; what is our reading of it, see
/// pull_push.h.
std::unique_ptr<Algorithm> make_dppf(const DppfOptions&, const AlgorithmContext&);

}  // namespace valley
