#pragma once

#include "valley/task/task.h"

namespace valley {

/// K real numbers for every example: output and targets are [B, K] float32. With the errors
/// e_ik = output_ik - target_ik and the mean target m_k of a data set:
///
///     loss  mean_ik e_ik^2
///     mae   mean_ik |e_ik|
///     r2    mean_k (1 - mean_i e_ik^2 / mean_i (target_ik - m_k)^2), at most 1: the headline.
///           A k whose targets are all the same counts as 1 where it is met exactly, else as 0
///     chance  0, which always answering the mean scores
///
/// Targets of very different sizes should be brought to one scale first.
const Task& regression();

/// The same with the loss of P. J. Huber ("Robust Estimation of a Location Parameter", Annals of
/// Mathematical Statistics 35, 1964), which grows as |e| beyond 1:
///
///     loss  mean_ik h(e_ik),    h(e) = e^2 / 2 for |e| <= 1, else |e| - 1/2
const Task& huber_regression();

}  // namespace valley
