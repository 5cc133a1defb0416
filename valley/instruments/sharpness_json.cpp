#include "valley/instruments/sharpness_json.h"

#include <nlohmann/json.hpp>

#include "valley/core/error.h"
#include "valley/core/version.h"
#include "valley/instruments/examples.h"
#include "valley/instruments/figures_json.h"

namespace valley {
namespace {

Json options_json(const SharpnessOptions& o) {
  return {{"samples", o.samples},
          {"draws", o.draws},
          {"seed", o.seed},
          {"kappa", o.kappa},
          {"search", name(o.search)},
          {"step", o.step},
          {"batch-norm", name(o.batch_norm)},
          {"normalise", o.normalise},
          {"rho", o.rho},
          {"lanczos", o.lanczos},
          {"memory", o.memory},
          {"along", o.along}};
}

Json measure_json(const Measured& measured) {
  const Measurement& m = measured.measurement;
  Json json = {{"value", m.value ? Json(*m.value) : Json()}};
  if (m.standard_error) json["standard_error"] = *m.standard_error;
  if (!m.note.empty()) json["note"] = m.note;
  json.update(to_json(m.details));
  json["seconds"] = measured.seconds;
  return json;
}

// Null unless the file is whole and was taken with these options.
Json earlier(const std::filesystem::path& file, const Json& options) {
  try {
    if (!std::filesystem::exists(file)) return nullptr;
    Json json = read_json(file);
    if (json.is_object() && json.value("options", Json()) == options) return json;
  } catch (const UsageError&) {  // damaged: nothing to keep
  }
  return nullptr;
}

}  // namespace

Json to_json(const SharpnessResult& r) {
  Json json = to_json(r.run);
  json.update({{"workers", r.run.workers},
               {"run_seed", r.run.seed},
               {"parameters", r.parameters},
               {"generalization_gap", r.generalization_gap},
               {"examples", r.examples},
               {"training_examples", r.training_examples}});
  for (const auto& [name, value] : r.scores.values) json[name] = value;
  json.update({{"seed", r.options.seed},
               {"batch_norm", name(r.options.batch_norm)},
               {"normalised", r.options.normalise},
               {"options", options_json(r.options)}});
  json["measures"] = Json::object();
  for (const Measured& measured : r.measures) {
    json["measures"][measured.entry->name] = measure_json(measured);
  }
  json["seconds"] = r.seconds;
  json["version"] = kVersion;
  return json;
}

void write_sharpness(const std::filesystem::path& file, const SharpnessResult& result) {
  Json json = to_json(result);
  const Json before = earlier(file, json["options"]);
  if (!before.is_null() && before.value("loss", Json()) == json["loss"]) {
    const Json measures = before.value("measures", Json::object());
    for (const auto& [name, measure] : measures.items()) {
      if (!json["measures"].contains(name)) json["measures"][name] = measure;
    }
  }
  write_json(file, json);
}

std::optional<RecordedMeasures> recorded_measures(const std::filesystem::path& file,
                                                  const SharpnessOptions& options) {
  const Json before = earlier(file, options_json(options));
  if (before.is_null()) return std::nullopt;
  RecordedMeasures result;
  const Json measures = before.value("measures", Json::object());
  for (const auto& [name, measure] : measures.items()) {
    const bool has = measure.contains("value") && measure["value"].is_number();
    result.emplace_back(name, has ? std::optional(measure["value"].get<double>()) : std::nullopt);
  }
  return result;
}

}  // namespace valley
