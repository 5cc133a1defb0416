#include "valley/instruments/recorded_curves.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "valley/analysis/spread.h"

namespace valley {
namespace {

double number(const Json& record, const char* key) {
  const auto found = record.find(key);
  return found != record.end() && found->is_number() ? found->get<double>()
                                                     : std::numeric_limits<double>::quiet_NaN();
}

bool is_round(const Json& record) {
  return record.contains("distances") && record["distances"].is_array() &&
         !record["distances"].empty() && record.contains("step");
}

bool is_evaluation(const Json& record) {
  return (record.contains("test_loss") || record.contains("validation_loss")) &&
         record.contains("step");
}

std::vector<double> distances_of(const Json& round) {
  std::vector<double> distances;
  for (const Json& r : round["distances"]) {
    distances.push_back(r.is_number() ? r.get<double>() : std::numeric_limits<double>::quiet_NaN());
  }
  return distances;
}

}  // namespace

std::vector<DynamicsCurve> dynamics_curves(const std::vector<Json>& metrics) {
  constexpr const char* kDistance = "distance from the average";
  constexpr const char* kForce = "pull and push of a round";
  DynamicsCurve width{"valley width", kDistance, "distance", {}, {}};
  if (recorded_rounds(metrics) == 0) {
    width.at = "evaluations";
    for (const Json& record : metrics) {
      if (!is_evaluation(record)) continue;
      width.x.push_back(number(record, "step"));
      width.y.push_back(number(record, "valley_width"));
    }
    if (width.x.empty()) return {};
    return {width};
  }

  DynamicsCurve nearest{"nearest worker", kDistance, "distance", {}, {}},
      farthest{"farthest worker", kDistance, "distance", {}, {}},
      predicted{"predicted width", kDistance, "distance", {}, {}},
      pull{"pull length", kForce, "distance a round", {}, {}},
      push{"push length", kForce, "distance a round", {}, {}},
      potential{"potential V", "potential of pull and push", "distance^2", {}, {}},
      lowest{"lowest possible V", potential.panel, potential.unit, {}, {}};
  std::vector<DynamicsCurve*> all = {&width, &nearest, &farthest,  &predicted,
                                     &pull,  &push,    &potential, &lowest};
  for (const Json& record : metrics) {
    if (!is_round(record)) continue;
    const std::vector<double> r = distances_of(record);
    const double alpha = number(record, "pull"), lambda = number(record, "push");
    for (DynamicsCurve* curve : all) curve->x.push_back(number(record, "step"));
    width.y.push_back(number(record, "valley_width"));
    nearest.y.push_back(*std::min_element(r.begin(), r.end()));
    farthest.y.push_back(*std::max_element(r.begin(), r.end()));
    predicted.y.push_back(number(record, "predicted_width"));
    pull.y.push_back(alpha * width.y.back());
    push.y.push_back(lambda);
    potential.y.push_back(pull_push_potential(r, alpha, lambda));
    lowest.y.push_back(lowest_potential(static_cast<int>(r.size()), alpha, lambda));
  }
  std::vector<DynamicsCurve> curves;
  for (DynamicsCurve* curve : all) curves.push_back(std::move(*curve));
  return curves;
}

std::vector<DynamicsCurve> probe_curves(const std::vector<Json>& metrics) {
  struct Figure {
    const char *place, *name, *panel, *unit;
  };
  constexpr const char *kAngle = "angles between the workers", *kRate = "effective learning rate",
                       *kNoise = "noise strength", *kLoss = "loss and smoothed loss",
                       *kCurvature = "curvature, smoothed";
  static const std::vector<Figure> figures = {
      {"/consensus_distance", "consensus distance", "distance from the average", "distance"},
      {"/angle_least", "least angle", kAngle, "degrees"},
      {"/angle_mean", "mean angle", kAngle, "degrees"},
      {"/angle_largest", "largest angle", kAngle, "degrees"},
      {"/effective_rate/alpha_e_over_alpha/value", "alpha_e / alpha", kRate, "of alpha"},
      {"/effective_rate/alpha_e_over_alpha_of_spread/value", "of the spread alone", kRate,
       "of alpha"},
      {"/effective_rate/delta_over_alpha_squared/value", "Delta / alpha^2", kNoise, "gradient^2"},
      {"/effective_rate/delta_of_zeta_s/value", "of zeta_S", kNoise, "gradient^2"},
      {"/effective_rate/delta_of_zeta_2/value", "of zeta_2", kNoise, "gradient^2"},
      {"/loss", "loss of the average", kLoss, "nats"},
      {"/smoothed/smoothed_loss/value", "smoothed loss", kLoss, "nats"},
      {"/smoothed/curvature/along_gradient/of_smoothed_loss/value", "along the gradient",
       kCurvature, "nats / distance^2"},
      {"/smoothed/curvature/towards_workers/of_smoothed_loss/value", "towards the workers",
       kCurvature, "nats / distance^2"},
  };
  std::vector<DynamicsCurve> curves;
  for (const Figure& figure : figures) {
    const Json::json_pointer place(figure.place);
    DynamicsCurve curve{figure.name, figure.panel, figure.unit, {}, {}, "probes"};
    bool any = false;
    for (const Json& record : metrics) {
      if (!record.contains("probe") || !record.contains("step")) continue;
      const Json& probe = record["probe"];
      const bool has = probe.contains(place) && probe.at(place).is_number();
      curve.x.push_back(number(record, "step"));
      curve.y.push_back(has ? probe.at(place).get<double>()
                            : std::numeric_limits<double>::quiet_NaN());
      any = any || has;
    }
    if (any) curves.push_back(std::move(curve));
  }
  return curves;
}

int64_t recorded_rounds(const std::vector<Json>& metrics) {
  return std::count_if(metrics.begin(), metrics.end(), is_round);
}

Forces last_forces(const std::vector<Json>& metrics) {
  const auto last = std::find_if(metrics.rbegin(), metrics.rend(), is_round);
  if (last == metrics.rend()) return {};
  return {.pull = number(*last, "pull"), .push = number(*last, "push")};
}

DynamicsCurve thinned(const DynamicsCurve& curve, size_t points) {
  const size_t size = curve.x.size();
  if (size <= points || points < 2) return curve;
  DynamicsCurve few{curve.name, curve.panel, curve.unit, {}, {}, curve.at};
  for (size_t i = 0; i < points; ++i) {
    const size_t at = i * (size - 1) / (points - 1);
    few.x.push_back(curve.x[at]);
    few.y.push_back(curve.y[at]);
  }
  return few;
}

}  // namespace valley
