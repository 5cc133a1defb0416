#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "valley/analysis/estimate.h"
#include "valley/analysis/lanczos.h"
#include "valley/analysis/mean_valley.h"

/// What a measure tells beside its value, and with what it was taken.
namespace valley {

/// What a mean over random points or vectors depends on.
struct Draws {
  int64_t count = 0;
  uint64_t seed = 0;
};

struct MeanValleyDetails {
  MeanValley valley;
  MeanValleyOptions options;
  std::optional<Draws> draws = {};  ///< of random directions
};

/// eps-sharpness
struct RiseDetails {
  double rise = 0;  ///< of the loss
};

struct SamDetails {
  double rho = 0;
  int64_t steps = 0;
  double one_step = 0;  ///< the rise that SAM's own step finds
};

/// lpf and local-entropy
struct NoiseDetails {
  double sigma = 0;
  Draws draws;
};

struct AverageDirectionDetails {
  double valley_width = 0;
  Draws draws;
};

struct PacBayesDetails {
  double rise = 0;
  Draws draws = {};
  std::optional<double> sigma = {};  ///< of the noise that is borne
};

struct ValleyBoundDetails {
  double error = 0;     ///< under noise as wide as the valley
  double radius = 0;    ///< the valley's width
  double distance = 0;  ///< from the start
  double delta = 0.05;  ///< the bound holds with probability 1 - delta
  Draws draws = {};
};

struct LambdaMaxDetails {
  LargestEigenvalue found;
  uint64_t seed = 0;
};

/// trace and frobenius
struct MomentsDetails {
  Draws draws;
};

struct SpectrumDetails {
  double smallest = 0, largest = 0;
  Estimate outliers = {};  ///< how many eigenvalues are above a tenth of the largest
  int64_t lanczos_steps = 0;
  uint64_t seed = 0;
  std::vector<double> at = {}, density = {};  ///< share of the eigenvalues per unit, at these
  double width = 0;                           ///< of the kernel that smooths the density
  std::vector<Ritz> probes = {};
};

using MeasureDetails =
    std::variant<std::monostate, MeanValleyDetails, RiseDetails, SamDetails, NoiseDetails,
                 AverageDirectionDetails, PacBayesDetails, ValleyBoundDetails, LambdaMaxDetails,
                 MomentsDetails, SpectrumDetails>;

}  // namespace valley
