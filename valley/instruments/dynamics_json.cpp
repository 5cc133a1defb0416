#include <nlohmann/json.hpp>

#include "valley/core/version.h"
#include "valley/instruments/dynamics.h"
#include "valley/instruments/examples.h"
#include "valley/instruments/figures_json.h"

namespace valley {
namespace {

Json with_cost(Json json, const PartCost& cost) {
  json["passes"] = cost.passes;
  json["seconds"] = cost.seconds;
  return json;
}

Json series_json(const std::vector<DynamicsCurve>& curves) {
  Json series = Json::array();
  for (const DynamicsCurve& curve : curves) {
    series.push_back({{"name", curve.name},
                      {"panel", curve.panel},
                      {"unit", curve.unit},
                      {"at", curve.at},
                      {"x", to_json(curve.x)},
                      {"y", to_json(curve.y)}});
  }
  return series;
}

Json spread_json(const DynamicsResult::Spread& spread) {
  Json json = to_json(spread.figures);
  json["pull"] = finite_or_null(spread.forces.pull);
  json["push"] = finite_or_null(spread.forces.push);
  json["losses"] = to_json(spread.losses);
  return with_cost(json, spread.cost);
}

Json rate_json(const DynamicsResult::Rate& rate) {
  Json json = to_json(rate.figures);
  json["draws"] = rate.draws;
  return with_cost(json, rate.cost);
}

Json alignment_json(const DynamicsResult::Aligned& aligned) {
  const Alignment& a = aligned.figures;
  const auto estimate = [](const Estimate& e) {
    return Json{{"value", finite_or_null(e.value)},
                {"standard_error", finite_or_null(e.standard_error)}};
  };
  return with_cost({{"eigenvalues", to_json(a.sharp.values)},
                    {"residuals", to_json(a.sharp.residuals)},
                    {"of_workers", to_json(a.of_workers)},
                    {"of_gradient", finite_or_null(a.of_gradient)},
                    {"of_random", estimate(a.of_random)},
                    {"expected", a.expected},
                    {"bend_of_workers", to_json(a.bend_of_workers)},
                    {"bend_of_random", estimate(a.bend_of_random)},
                    {"penalty", a.penalty}},
                   aligned.cost);
}

}  // namespace

Json to_json(const DynamicsResult& r) {
  Json json = to_json(r.run);
  json.update({{"workers", r.run.workers},
               {"run_seed", r.run.seed},
               {"parameters", r.parameters},
               {"examples", r.examples},
               {"training_examples", r.training_examples},
               {"seed", r.options.seed},
               {"batch_norm", name(r.options.batch_norm)}});
  for (const auto& [name, value] : r.scores.values) json[name] = value;
  json["rounds"] = r.rounds;
  json["x_label"] = "step";
  json["series"] = series_json(r.curves);
  json["spread"] = spread_json(r.spread);
  json["gradient"] = with_cost({{"norm", r.gradient.norm}}, r.gradient.cost);
  if (r.rate) json["effective_rate"] = rate_json(*r.rate);
  if (r.smoothed) json["smoothed"] = with_cost(to_json(r.smoothed->figures), r.smoothed->cost);
  if (r.alignment) json["alignment"] = alignment_json(*r.alignment);
  json["notes"] = r.notes;
  json["seconds"] = r.seconds;
  json["version"] = kVersion;
  return json;
}

}  // namespace valley
