#pragma once

#include <memory>
#include <optional>
#include <string>

#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

struct PalSgdOptions {
  PeriodSpec period = {};
  std::optional<double> outer_lr = {};        ///< 0.7 unless given
  std::optional<double> outer_momentum = {};  ///< 0.9 unless given
  double anchor_probability = 0.1;            ///< q
  double anchor_pull = 0.1;                   ///< eta
  OptimizerState optimizer_state = OptimizerState::kLocal;
};

template <typename V>
void visit(PalSgdOptions& o, V& v) {
  v(kPeriod, o.period);
  v(kOuterLr, o.outer_lr);
  v(kOuterMomentum, o.outer_momentum);
  v("anchor-probability", o.anchor_probability, in(0, 1).open_above(),
    "q, with which a step goes towards the last average in place of a gradient's", kYounger);
  v("anchor-pull", o.anchor_pull, at_least(0), "eta, how strongly, in units of the learning rate",
    kYounger);
  v(kOptimizerState, o.optimizer_state);
}

/// PALSGD, pseudo-asynchronous local SGD: between the rounds of DiLoCo a worker now and then takes
/// a step towards where the last round left all of them, c, instead of one along its gradient.
/// Every worker draws for itself:
///
///     with probability q    x <- x - (lr / q) eta (x - c)
///     otherwise             the local optimizer's step with the learning rate lr / (1 - q)
///
/// so that a step is in the mean that of lr (g + eta (x - c)). It costs no communication. The local
/// optimizer's step at another rate is taken as its step, stretched: all of them are proportional
/// to lr. In a step towards c the optimizer does nothing: its momentum stays.
///
/// Every tau steps the outer step of diloco (diloco.h). q = 0 is diloco, bit for bit.
///
/// Cost of a round: one all-reduce of d values. State: the clock, c and the outer momentum.
///
/// Reference: "PALSGD", TMLR 2025, arXiv:2504.18454. The defaults of q and eta are ours.
///
/// @throws UsageError if an option is out of range, or the context has no learning rate and q > 0.
std::unique_ptr<Algorithm> make_palsgd(const PalSgdOptions&, const AlgorithmContext&);

}  // namespace valley
