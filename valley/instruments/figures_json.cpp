#include "valley/instruments/figures_json.h"

#include <nlohmann/json.hpp>
#include <type_traits>

namespace valley {
namespace {

void add(Json& json, const Draws& draws) {
  json["draws"] = draws.count;
  json["seed"] = draws.seed;
}

Json details_json(const std::monostate&) { return Json::object(); }

Json details_json(const MeanValleyDetails& d) {
  Json distances = Json::array();
  for (const auto& t : d.valley.distances) distances.push_back(t ? Json(*t) : Json());
  const bool by_step = d.options.search == ValleySearch::kStep;
  Json json = {{"mean_valley", d.valley.mean},
               {"distances", distances},
               {"all_crossed", d.valley.all_crossed()},
               {"kappa", d.options.kappa},
               {"search", by_step ? "step" : "bisect"},
               {by_step ? "step" : "tolerance", by_step ? d.options.step : d.options.tolerance},
               {"evaluations", d.valley.evaluations}};
  if (d.draws) add(json, *d.draws);
  return json;
}

Json details_json(const RiseDetails& d) { return {{"rise", d.rise}}; }

Json details_json(const SamDetails& d) {
  return {{"rho", d.rho}, {"steps", d.steps}, {"one_step", d.one_step}};
}

Json details_json(const NoiseDetails& d) {
  Json json = {{"sigma", d.sigma}};
  add(json, d.draws);
  return json;
}

Json details_json(const AverageDirectionDetails& d) {
  Json json = {{"valley_width", d.valley_width}};
  add(json, d.draws);
  return json;
}

Json details_json(const PacBayesDetails& d) {
  Json json = {{"rise", d.rise}};
  add(json, d.draws);
  if (d.sigma) json["sigma"] = *d.sigma;
  return json;
}

Json details_json(const ValleyBoundDetails& d) {
  Json json = {{"error_in_the_valley", d.error},
               {"radius", d.radius},
               {"distance_from_start", d.distance},
               {"delta", d.delta}};
  add(json, d.draws);
  return json;
}

Json details_json(const LambdaMaxDetails& d) {
  return {{"residual", d.found.residual},
          {"lanczos_steps", d.found.steps},
          {"converged", d.found.converged},
          {"seed", d.seed}};
}

Json details_json(const MomentsDetails& d) {
  Json json = Json::object();
  add(json, d.draws);
  return json;
}

Json details_json(const SpectrumDetails& d) {
  Json probes = Json::array();
  for (const Ritz& ritz : d.probes) {
    probes.push_back({{"values", ritz.values}, {"weights", ritz.weights}});
  }
  return {{"smallest", d.smallest},
          {"largest", d.largest},
          {"above_a_tenth_of_largest",
           {{"count", d.outliers.value}, {"standard_error", d.outliers.standard_error}}},
          {"lanczos_steps", d.lanczos_steps},
          {"seed", d.seed},
          {"density", {{"at", d.at}, {"eigenvalues_share", d.density}, {"width", d.width}}},
          {"probes", probes}};
}

}  // namespace

Json to_json(const Estimate& estimate) {
  return {{"value", finite_or_null(estimate.value)},
          {"standard_error", finite_or_null(estimate.standard_error)}};
}

Json to_json(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values) list.push_back(finite_or_null(value));
  return list;
}

Json to_json(const SpreadFigures& figures) {
  const WorkerSpread& spread = figures.spread;
  Json json = {{"distances", to_json(spread.distances)},
               {"consensus_distance", finite_or_null(figures.consensus_distance)},
               {"sigma_w_squared", finite_or_null(spread.variance)},
               {"sigma_per_parameter", finite_or_null(figures.sigma_per_parameter)},
               {"angles", Json::array()}};
  for (const auto& row : spread.angles) json["angles"].push_back(to_json(row));
  if (!figures.angles) return json;
  json["angle_mean"] = figures.angles->mean;
  json["angle_least"] = figures.angles->least;
  json["angle_largest"] = figures.angles->largest;
  return json;
}

Json to_json(const RateFigures& figures) {
  const EffectiveRate& rate = figures.parts;
  return {{"learning_rate", figures.learning_rate},
          {"alpha_e_over_alpha", to_json(rate.rate)},
          {"alpha_e_over_alpha_of_spread", to_json(rate.spread_rate)},
          {"alpha_e", finite_or_null(figures.alpha_e())},
          {"delta_over_alpha_squared", to_json(rate.noise)},
          {"delta", finite_or_null(figures.delta())},
          {"zeta_s_squared", to_json(rate.batch_square)},
          {"zeta_2_squared", to_json(rate.spread_square)},
          {"delta_of_zeta_s", to_json(rate.batch_noise)},
          {"delta_of_zeta_2", to_json(rate.spread_noise)},
          {"delta_of_both", to_json(rate.joint_noise)},
          {"batch_size", figures.batch_size}};
}

Json to_json(const SmoothedFigures& figures) {
  Json json = {{"sigma", figures.sigma}, {"step", figures.step}, {"draws", figures.draws}};
  if (figures.smoothed_loss) json["smoothed_loss"] = to_json(*figures.smoothed_loss);
  for (const Curvature& curvature : figures.curvatures) {
    json["curvature"][curvature.name] = {{"of_loss", finite_or_null(curvature.of_loss)},
                                         {"of_smoothed_loss", to_json(curvature.of_smoothed_loss)},
                                         {"bound", finite_or_null(curvature.bound)}};
  }
  if (!figures.note.empty()) json["note"] = figures.note;
  return json;
}

Json to_json(const LiveFigures& figures) {
  Json json = {{"width", finite_or_null(figures.width)}};
  json.update(to_json(figures.spread));
  if (figures.forces) {
    json["pull_length"] = finite_or_null(figures.forces->pull_length);
    json["push_length"] = finite_or_null(figures.forces->push_length);
    json["potential"] = finite_or_null(figures.forces->potential);
    json["lowest_potential"] = finite_or_null(figures.forces->lowest_potential);
  }
  if (figures.losses) {
    json["loss"] = finite_or_null(figures.losses->average);
    json["losses"] = to_json(figures.losses->workers);
  }
  if (!figures.note.empty()) json["note"] = figures.note;
  if (figures.gradient_norm) json["gradient_norm"] = finite_or_null(*figures.gradient_norm);
  if (figures.rate) json["effective_rate"] = to_json(*figures.rate);
  if (figures.smoothed) json["smoothed"] = to_json(*figures.smoothed);
  return json;
}

Json to_json(const MeasureDetails& details) {
  return std::visit([](const auto& d) { return details_json(d); }, details);
}

}  // namespace valley
