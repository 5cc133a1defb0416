#include "valley/analysis/figures.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "valley/analysis/length.h"
#include "valley/core/error.h"

namespace valley {
namespace {

// Of the pairs of workers that both have a direction.
std::vector<double> angles_of_pairs(const WorkerSpread& spread) {
  std::vector<double> angles;
  for (size_t j = 0; j < spread.angles.size(); ++j) {
    for (size_t k = 0; k < j; ++k) {
      if (!std::isnan(spread.angles[j][k])) angles.push_back(spread.angles[j][k]);
    }
  }
  return angles;
}

struct Group {
  const char* name;
  Directions directions;
  int64_t size;
};

std::vector<Group> groups_of(const SmoothingPoint& at) {
  std::vector<Group> groups;
  const double norm = at.gradient.defined() ? length(at.gradient) : 0;
  if (norm > 0) groups.push_back({"along_gradient", in_turn({at.gradient / norm}), 1});
  if (at.directions > 0) groups.push_back({"towards_workers", at.towards, at.directions});
  return groups;
}

}  // namespace

SpreadFigures spread_figures(const WorkerSpread& spread, int64_t parameters) {
  SpreadFigures figures{
      .spread = spread,
      .consensus_distance = std::sqrt(spread.variance),
      .sigma_per_parameter = std::sqrt(spread.variance / static_cast<double>(parameters)),
      .angles = {}};
  const std::vector<double> angles = angles_of_pairs(spread);
  if (angles.empty()) return figures;
  const auto [least, largest] = std::minmax_element(angles.begin(), angles.end());
  figures.angles = {.mean = mean_estimate(angles).value, .least = *least, .largest = *largest};
  return figures;
}

SmoothedFigures smoothed_figures(const LossFunction& loss, const SmoothingPoint& at) {
  const std::vector<Group> groups = groups_of(at);
  // Differences of float32 losses over less are rounding.
  const double step = std::max(at.sigma, 1e-3);
  SmoothedFigures figures{.sigma = at.sigma, .step = step, .draws = at.draws};
  try {
    // Without noise all draws of one direction are the same.
    std::vector<SmoothedLoss> raw;
    std::vector<Directions> directions;
    for (const Group& group : groups) {
      directions.push_back(group.directions);
      raw.push_back(smoothed_loss(loss, at.average, {group.directions},
                                  {.sigma = 0, .step = step, .draws = group.size}));
    }
    const SmoothedLoss smooth =
        smoothed_loss(loss, at.average, directions,
                      {.sigma = at.sigma, .step = step, .draws = at.draws, .seed = at.seed});
    figures.smoothed_loss = smooth.loss;
    for (size_t i = 0; i < groups.size(); ++i) {
      const double slope = std::max(smooth.slopes[i], raw[i].slopes.front());
      figures.curvatures.push_back({.name = groups[i].name,
                                    .of_loss = raw[i].curvatures.front().value,
                                    .of_smoothed_loss = smooth.curvatures[i],
                                    .bound = smoothness_bound(slope, at.sigma)});
    }
  } catch (const UsageError& error) {
    figures.note = error.what();
  }
  return figures;
}

}  // namespace valley
