#pragma once

#include <memory>

#include "valley/algorithms/registry.h"

namespace valley {

/// Leader SGD: local steps, and every tau steps a pull towards the worker that is doing best.
///
///     m*  = argmin_m (mean training loss of worker m over the steps since the last round)
///     x_m <- x_m + alpha  (x_{m*} - x_m)
///                + lambda (x_m - x_A) / ||x_m - x_A||       the push of dppf, see consensus.h
///
/// Of equal losses the lowest rank's leads, and one that is no number never does. The pull leaves
/// the leader where it is. lambda = 0 is Leader SGD itself; alpha = 1 as well collapses all workers
/// onto the leader.
///
/// Cost of a round: an all-gather of 1 value, a broadcast of d and, with a push, an all-reduce of
/// d. Memory: 2 d (without a push d). State: the clock, sum and number of the losses.
///
/// Reference: Teng, Gao, Chalus, Choromanska, Goldfarb and Weller, "Leader Stochastic Gradient
/// Descent for Distributed Training of Deep Learning Models", NeurIPS 2019, arXiv:1905.10395. Of
/// its two pulls this is the one of a round, towards the leader of all; the pull within every local
/// step is left out. The push is ours to add, as dppf adds it to the average.
std::unique_ptr<Algorithm> make_lsgd(const AlgorithmOptions&, const AlgorithmContext&);

}  // namespace valley
