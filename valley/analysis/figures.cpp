#include "valley/analysis/figures.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "valley/analysis/length.h"
#include "valley/core/error.h"

namespace valley {
namespace {

Json list_of(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values) list.push_back(finite_or_null(value));
  return list;
}

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

Json to_json(const Estimate& estimate) {
  return {{"value", finite_or_null(estimate.value)},
          {"standard_error", finite_or_null(estimate.standard_error)}};
}

Json spread_figures(const WorkerSpread& spread, int64_t parameters) {
  Json json = {{"distances", list_of(spread.distances)},
               {"consensus_distance", finite_or_null(std::sqrt(spread.variance))},
               {"sigma_w_squared", finite_or_null(spread.variance)},
               {"sigma_per_parameter",
                finite_or_null(std::sqrt(spread.variance / static_cast<double>(parameters)))},
               {"angles", Json::array()}};
  for (const auto& row : spread.angles) json["angles"].push_back(list_of(row));
  const std::vector<double> angles = angles_of_pairs(spread);
  if (angles.empty()) return json;
  json["angle_mean"] = mean_estimate(angles).value;
  json["angle_least"] = *std::min_element(angles.begin(), angles.end());
  json["angle_largest"] = *std::max_element(angles.begin(), angles.end());
  return json;
}

Json rate_figures(const EffectiveRate& rate, double learning_rate) {
  return {{"learning_rate", learning_rate},
          {"alpha_e_over_alpha", to_json(rate.rate)},
          {"alpha_e_over_alpha_of_spread", to_json(rate.spread_rate)},
          {"alpha_e", finite_or_null(learning_rate * rate.rate.value)},
          {"delta_over_alpha_squared", to_json(rate.noise)},
          {"delta", finite_or_null(learning_rate * learning_rate * rate.noise.value)},
          {"zeta_s_squared", to_json(rate.batch_square)},
          {"zeta_2_squared", to_json(rate.spread_square)},
          {"delta_of_zeta_s", to_json(rate.batch_noise)},
          {"delta_of_zeta_2", to_json(rate.spread_noise)},
          {"delta_of_both", to_json(rate.joint_noise)}};
}

Json smoothed_figures(const LossFunction& loss, const SmoothingPoint& at) {
  const std::vector<Group> groups = groups_of(at);
  // Differences of float32 losses over less are rounding.
  const double step = std::max(at.sigma, 1e-3);
  Json json = {{"sigma", at.sigma}, {"step", step}, {"draws", at.draws}};
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
    json["smoothed_loss"] = to_json(smooth.loss);
    for (size_t i = 0; i < groups.size(); ++i) {
      const double slope = std::max(smooth.slopes[i], raw[i].slopes.front());
      json["curvature"][groups[i].name] = {
          {"of_loss", finite_or_null(raw[i].curvatures.front().value)},
          {"of_smoothed_loss", to_json(smooth.curvatures[i])},
          {"bound", finite_or_null(smoothness_bound(slope, at.sigma))}};
    }
  } catch (const UsageError& error) {
    json["note"] = error.what();
  }
  return json;
}

}  // namespace valley
