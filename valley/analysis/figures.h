#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "valley/analysis/effective_rate.h"
#include "valley/analysis/noise.h"
#include "valley/analysis/smoothed_loss.h"
#include "valley/analysis/spread.h"
#include "valley/record/json_file.h"

/// What `valley dynamics` and the probes of a training say of the workers, as JSON under the names
/// that docs/dynamics.md explains. What is no number is null.
namespace valley {

/// {"value", "standard_error"}
Json to_json(const Estimate& estimate);

/// distances, consensus_distance, sigma_w_squared, sigma_per_parameter, angles and their mean,
/// least and largest.
Json spread_figures(const WorkerSpread& spread, int64_t parameters);

/// alpha_e and Delta for the learning rate alpha, and what they are made of.
Json rate_figures(const EffectiveRate& rate, double learning_rate);

struct SmoothingPoint {
  at::Tensor average;      ///< x_A [d]
  at::Tensor gradient;     ///< g there [d]; undefined or zero: no curvature along it
  Directions towards;      ///< unit vectors to the workers; empty: no curvature along them
  int64_t directions = 0;  ///< how many there are of these
  double sigma = 0;        ///< of the noise; > 0
  int64_t draws = 20;      ///< of noise
  uint64_t seed = 0;
};

/// The loss at x_A, the smoothed loss, and the curvature of both along the gradient and towards
/// the workers, with the bound on the second. h is sigma, or 0.001 where sigma is less. If a loss
/// is not finite, a note says so in the place of what is missing.
///
/// Cost: at most 3 + 3 directions + 5 draws losses.
Json smoothed_figures(const LossFunction& loss, const SmoothingPoint& at);

}  // namespace valley
