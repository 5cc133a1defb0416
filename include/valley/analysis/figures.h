#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "valley/analysis/effective_rate.h"
#include "valley/analysis/noise.h"
#include "valley/analysis/smoothed_loss.h"
#include "valley/analysis/spread.h"

/// What `valley dynamics` and the probes of a training say of the workers; docs/dynamics.md
/// explains each figure. What is no number could not be had.
namespace valley {

struct SpreadFigures {
  WorkerSpread spread = {};
  double consensus_distance = 0;   ///< sigma_w
  double sigma_per_parameter = 0;  ///< sigma_w / sqrt(d)

  /// Of the pairs of workers that both have a direction.
  struct Angles {
    double mean = 0, least = 0, largest = 0;  ///< degrees
  };
  std::optional<Angles> angles = {};  ///< none without such a pair
};
SpreadFigures spread_figures(const WorkerSpread& spread, int64_t parameters);

/// alpha_e and Delta for a learning rate alpha, and what they are made of.
struct RateFigures {
  EffectiveRate parts = {};  ///< in units of alpha, and of alpha^2
  double learning_rate = 0;
  int64_t batch_size = 0;  ///< of a worker's mini-batch

  double alpha_e() const { return learning_rate * parts.rate.value; }
  double delta() const { return learning_rate * learning_rate * parts.noise.value; }
};

struct SmoothingPoint {
  at::Tensor average;      ///< x_A [d]
  at::Tensor gradient;     ///< g there [d]; undefined or zero: no curvature along it
  Directions towards;      ///< unit vectors to the workers; empty: no curvature along them
  int64_t directions = 0;  ///< how many there are of these
  double sigma = 0;        ///< of the noise; > 0
  int64_t draws = 20;      ///< of noise
  uint64_t seed = 0;
};

/// How the loss and the smoothed loss bend along a group of directions.
struct Curvature {
  std::string name = {};           ///< "along_gradient" or "towards_workers"
  double of_loss = 0;              ///< mean over the group
  Estimate of_smoothed_loss = {};  ///< likewise
  double bound = 0;                ///< on the second, see smoothness_bound()
};

struct SmoothedFigures {
  double sigma = 0, step = 0;  ///< h, half the distance of the outer points of a difference
  int64_t draws = 0;
  std::optional<Estimate> smoothed_loss = {};  ///< none where a loss was not finite
  std::vector<Curvature> curvatures = {};
  std::string note = {};  ///< what is missing, and why; "" if nothing
};

/// The loss at x_A, the smoothed loss, and the curvature of both along the gradient and towards
/// the workers, with the bound on the second. h is sigma, or 0.001 where sigma is less. If a loss
/// is not finite, a note says so in the place of what is missing.
///
/// Cost: at most 3 + 3 directions + 5 draws losses.
SmoothedFigures smoothed_figures(const LossFunction& loss, const SmoothingPoint& at);

}  // namespace valley
