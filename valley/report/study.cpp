#include "valley/report/study.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "valley/record/score_record.h"
#include "valley/report/json_parts.h"
#include "valley/report/report_run.h"
#include "valley/report/statistics.h"

namespace valley {
namespace fs = std::filesystem;
namespace {

std::string text(const Json& value) { return value.is_string() ? value.get<std::string>() : ""; }

Json number(const Json& value) {
  return value.is_number() ? Json(shortened(value.get<double>())) : Json();
}

Json ranked(const Json& rank, const std::vector<size_t>& axes) {
  Json by_axis = Json::array();
  const Json& given = part(rank, "granulated_by_axis");
  for (const size_t axis : axes) {
    by_axis.push_back(given.is_array() && axis < given.size() ? number(given[axis]) : Json());
  }
  const Json& larger = part(rank, "larger_is_sharper");
  return {{"measure", text(part(rank, "measure"))},
          {"small_is_sharp", larger.is_boolean() && !larger.get<bool>()},
          {"tau", number(part(rank, "tau"))},
          {"standard_error", number(part(rank, "standard_error"))},
          {"granulated", number(part(rank, "granulated"))},
          {"granulated_error", number(part(rank, "granulated_error"))},
          {"by_axis", std::move(by_axis)},
          {"runs", number(part(rank, "runs"))}};
}

Json values_of(const Json& measures) {
  Json values = Json::object();
  if (!measures.is_object()) return values;
  for (const auto& [name, measure] : measures.items()) {
    if (const Json& value = part(measure, "value"); value.is_number()) values[name] = number(value);
  }
  return values;
}

}  // namespace

Json study_of(const Json& file, const std::string& name) {
  if (!part(file, "runs").is_array()) return nullptr;
  Json result = {{"name", name},
                 {"until_loss", number(part(file, "until_loss"))},
                 {"share", sheet_of(file).main().is_share},
                 {"axes", Json::array()},
                 {"groups", Json::array()},
                 {"ranking", Json::array()},
                 {"runs", Json::array()},
                 {"others", Json::array()}};
  std::vector<size_t> axes;  // all but the seed, over which the ranking takes a mean
  const Json& given = part(file, "axes");
  for (size_t i = 0; i < given.size(); ++i) {
    const std::string key = text(part(given[i], "key"));
    if (i == 0) {
      for (const Json& value : part(given[i], "values")) {
        result["groups"].push_back(key + " " + text(value));
      }
    }
    if (key == "seed") continue;
    axes.push_back(i);
    result["axes"].push_back(key);
  }
  for (const Json& rank : part(file, "ranking")) result["ranking"].push_back(ranked(rank, axes));
  for (const Json& run : part(file, "runs")) {
    Json values = values_of(part(run, "measures"));
    const Json& gap = part(run, "generalization_gap");
    if (values.empty() || !gap.is_number()) {
      result["others"].push_back({{"name", text(part(run, "name"))},
                                  {"status", text(part(run, "status"))},
                                  {"train_loss", number(part(run, "train_loss"))}});
      continue;
    }
    const Json& place = part(run, "place");
    const bool placed = place.is_array() && !place.empty() && place[0].is_number_unsigned();
    result["runs"].push_back({{"name", text(part(run, "name"))},
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
