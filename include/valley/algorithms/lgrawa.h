#pragma once

#include <memory>

#include "valley/algorithms/pushed_rounds.h"

namespace valley {

/// LGRAWA, the gradient-based weighted average layer by layer: mgrawa.h with one weight per layer.
///
///     G_ml = ||gradient of layer l||    on one more batch, smoothed
///     w_ml = (1 / G_ml) / sum_j (1 / G_jl),   layer l of x_C = sum_m w_ml (layer l of x_m)
///     x_m <- x_m + alpha  (x_C - x_m)
///                + lambda (x_m - x_A) / ||x_m - x_A||       the push of dppf, see consensus.h
///
/// Cost of a round with L layers: one all-reduce of 2 d + L values; without a push d + L. And one
/// more gradient on every worker; with one worker none. Memory: as much as is sent. State: the
/// clock, n and G by layer.
///
/// Reference: Dimlioglu and Choromanska, "GRAWA: Gradient-based Weighted Averaging for Distributed
/// Training of Deep Learning Models", AISTATS 2024, arXiv:2403.04206. A layer is here one parameter
/// tensor. Their code differs as in mgrawa.h, and spreads the pull over the steps of a period. The
/// push is ours to add, one norm over the whole vector as in dppf.
///
/// @throws UsageError if the context lacks layer_gradient_norms or layers.
std::unique_ptr<Algorithm> make_lgrawa(const GrawaOptions&, const AlgorithmContext&);

}  // namespace valley
