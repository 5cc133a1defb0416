#include "valley/report/study.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "valley/report/report_run.h"
#include "valley/report/statistics.h"

namespace valley {
namespace fs = std::filesystem;
namespace {

const Json& entry_of(const Json& object, const char* key) {
  static const Json none;
  if (!object.is_object()) return none;
  const auto found = object.find(key);
  return found == object.end() ? none : *found;
}

std::string text(const Json& value) { return value.is_string() ? value.get<std::string>() : ""; }

Json number(const Json& value) {
  return value.is_number() ? Json(shortened(value.get<double>())) : Json();
}

Json ranked(const Json& rank, const std::vector<size_t>& axes) {
  Json by_axis = Json::array();
  const Json& given = entry_of(rank, "granulated_by_axis");
  for (const size_t axis : axes) {
    by_axis.push_back(given.is_array() && axis < given.size() ? number(given[axis]) : Json());
  }
  const Json& larger = entry_of(rank, "larger_is_sharper");
  return {{"measure", text(entry_of(rank, "measure"))},
          {"small_is_sharp", larger.is_boolean() && !larger.get<bool>()},
          {"tau", number(entry_of(rank, "tau"))},
          {"standard_error", number(entry_of(rank, "standard_error"))},
          {"granulated", number(entry_of(rank, "granulated"))},
          {"by_axis", std::move(by_axis)},
          {"runs", number(entry_of(rank, "runs"))}};
}

Json values_of(const Json& measures) {
  Json values = Json::object();
  if (!measures.is_object()) return values;
  for (const auto& [name, measure] : measures.items()) {
    if (const Json& value = entry_of(measure, "value"); value.is_number())
      values[name] = number(value);
  }
  return values;
}

}  // namespace

Json study_of(const Json& file, const std::string& name) {
  if (!entry_of(file, "runs").is_array()) return nullptr;
  Json result = {{"name", name},
                 {"until_loss", number(entry_of(file, "until_loss"))},
                 {"axes", Json::array()},
                 {"groups", Json::array()},
                 {"ranking", Json::array()},
                 {"runs", Json::array()},
                 {"others", Json::array()}};
  std::vector<size_t> axes;  // all but the seed, over which the ranking takes a mean
  const Json& given = entry_of(file, "axes");
  for (size_t i = 0; i < given.size(); ++i) {
    const std::string key = text(entry_of(given[i], "key"));
    if (i == 0) {
      for (const Json& value : entry_of(given[i], "values")) {
        result["groups"].push_back(key + " " + text(value));
      }
    }
    if (key == "seed") continue;
    axes.push_back(i);
    result["axes"].push_back(key);
  }
  for (const Json& rank : entry_of(file, "ranking"))
    result["ranking"].push_back(ranked(rank, axes));
  for (const Json& run : entry_of(file, "runs")) {
    Json values = values_of(entry_of(run, "measures"));
    const Json& gap = entry_of(run, "generalization_gap");
    if (values.empty() || !gap.is_number()) {
      result["others"].push_back({{"name", text(entry_of(run, "name"))},
                                  {"status", text(entry_of(run, "status"))},
                                  {"train_loss", number(entry_of(run, "train_loss"))}});
      continue;
    }
    const Json& place = entry_of(run, "place");
    const bool placed = place.is_array() && !place.empty() && place[0].is_number_unsigned();
    result["runs"].push_back({{"name", text(entry_of(run, "name"))},
                              {"group", placed ? place[0].get<size_t>() : 0},
                              {"gap", number(gap)},
                              {"values", std::move(values)}});
  }
  return result;
}

std::vector<Json> read_studies(const std::vector<std::string>& folders,
                               std::vector<std::string>& damages) {
  std::vector<Json> studies;
  std::vector<fs::path> seen;
  for (const std::string& folder : folders) {
    fs::path path = fs::weakly_canonical(folder);
    if (!path.has_filename()) path = path.parent_path();  // "runs/study/"
    if (std::find(seen.begin(), seen.end(), path) != seen.end()) continue;
    seen.push_back(path);
    const std::string remedy = fmt::format("valley study {} --out {} writes it anew",
                                           (fs::path(folder) / "recipe.toml").string(), folder);
    Json study = study_of(read_if_whole(fs::path(folder) / "study.json", remedy, damages),
                          path.filename().string());
    if (!study.is_null()) studies.push_back(std::move(study));
  }
  return studies;
}

}  // namespace valley
