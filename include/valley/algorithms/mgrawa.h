#pragma once

#include <memory>

#include "valley/algorithms/pushed_rounds.h"

namespace valley {

/// MGRAWA, the gradient-based weighted average over whole models: local steps, and every tau steps
/// a pull towards a mean in which workers with small gradients, in flat places, weigh more.
///
///     G_m = sum over layers of ||gradient of the layer||    on one more batch, smoothed
///     w_m = (1 / G_m) / sum_j (1 / G_j),   x_C = sum_m w_m x_m
///     x_m <- x_m + alpha  (x_C - x_m)
///                + lambda (x_m - x_A) / ||x_m - x_A||       the push of dppf, see consensus.h
///
/// The batch is of the training set without augmentation, the model in evaluation mode; the context
/// computes the norms; gradient_weights.h smooths them over the rounds. Equal norms make x_C the
/// average; lambda = 0 is MGRAWA itself.
///
/// Cost of a round: one all-reduce of 2 d + 1 values, x_m / G_m, x_m and 1 / G_m together; without
/// a push d + 1. And one more gradient on every worker; with one worker none. Memory: as much as is
/// sent. State: the clock, G and n. With a wire, bf16 or fp16, the mean is said by that.
///
/// Reference: Dimlioglu and Choromanska, "GRAWA: Gradient-based Weighted Averaging for Distributed
/// Training of Deep Learning Models", AISTATS 2024, arXiv:2403.04206. A layer is here one parameter
/// tensor. Their code takes the norms in training mode, and smooths with .9^8 (.4305). The push is
/// ours to add, as dppf adds it to the average.
///
/// @throws UsageError if the context cannot compute layer_gradient_norms.
std::unique_ptr<Algorithm> make_mgrawa(const GrawaOptions&, const AlgorithmContext&);

}  // namespace valley
