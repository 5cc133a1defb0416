#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "valley/core/version.h"
#include "valley/picture/scatter_picture.h"
#include "valley/record/score_record.h"
#include "valley/study/study.h"

namespace valley {
namespace {

Json number_or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json axes_json(const std::vector<ConfigAxis>& axes) {
  Json json = Json::array();
  for (const ConfigAxis& axis : axes) {
    json.push_back({{"key", axis.key}, {"values", Json::array()}});
    for (const ConfigValue& value : axis.values) json.back()["values"].push_back(plain_text(value));
  }
  return json;
}

Json run_json(const Study& study, const StudyRun& run) {
  Json json = {{"name", run.name}, {"run", run.folder}, {"place", run.place}};
  for (size_t i = 0; i < study.axes.size(); ++i) {
    json["settings"][study.axes[i].key] =
        plain_text(study.axes[i].values[static_cast<size_t>(run.place[i])]);
  }
  json["status"] = name(run.status);
  if (!run.has_summary()) return json;
  const Summary& s = run.summary;
  json["steps"] = s.steps;
  for (const ScoreInfo& score : s.sheet.scores) {
    json[score_key("train", score)] = s.train[score.name];
    json[score_key("test", score)] = s.test[score.name];
  }
  json["generalization_gap"] = s.generalization_gap;
  if (!run.ranked()) return json;
  json["measures"] = read_json(std::filesystem::path(run.folder) / kSharpnessFile)["measures"];
  json["measures"][kControlMeasure] = {{"value", s.train.loss()}};
  return json;
}

Json rank_json(const MeasureRank& rank) {
  Json axes = Json::array();
  for (const auto& tau : rank.granulated_by_axis) axes.push_back(number_or_null(tau));
  return {{"measure", rank.measure},
          {"larger_is_sharper", rank.larger_is_sharper},
          {"runs", rank.runs},
          {"tau", number_or_null(rank.tau)},
          {"standard_error", number_or_null(rank.standard_error)},
          {"granulated", number_or_null(rank.granulated)},
          {"granulated_error", number_or_null(rank.granulated_error)},
          {"granulated_by_axis", axes},
          {"groups_by_axis", rank.groups_by_axis}};
}

}  // namespace

Json to_json(const Study& study, const StudyResult& result) {
  Json ranks = Json::array(), runs = Json::array();
  for (const MeasureRank& rank : result.ranking) ranks.push_back(rank_json(rank));
  for (const StudyRun& run : result.runs) runs.push_back(run_json(study, run));
  Json json = {{"recipe", study.recipe},
               {"axes", axes_json(study.axes)},
               {"until_loss", study.shared.until_loss},
               {"ranking", ranks},
               {"runs", runs},
               {"seconds", result.seconds},
               {"version", kVersion}};
  add_sheet(json, result.sheet());
  return json;
}

std::string study_svg(const Study& study, const StudyResult& result) {
  std::vector<std::string> groups;
  for (const ConfigValue& value : study.axes[0].values) {
    groups.push_back(study.axes[0].key + " " + plain_text(value));
  }
  const std::vector<const StudyRun*> runs = result.ranked();
  const ScoreInfo score = result.sheet().main();
  std::vector<ScatterPanel> panels;
  for (const MeasureRank& rank : result.ranking) {
    ScatterPanel panel{
        .title = "tau-b " + coefficient(rank.tau),
        .x_label = rank.measure + (rank.larger_is_sharper ? "" : " (small is sharp)"),
        .points = {}};
    for (const StudyRun* run : runs) {
      if (const auto value = run->value(rank.measure)) {
        panel.points.push_back({.x = *value,
                                .y = score_scale(score) * run->summary.generalization_gap,
                                .group = static_cast<size_t>(run->place[0])});
      }
    }
    panels.push_back(std::move(panel));
  }
  return scatter_svg(
      fmt::format("{} runs of {} on {}", runs.size(), study.shared.algorithm, study.shared.data),
      score.is_share ? "generalisation gap, %" : "generalisation gap", groups, panels);
}

std::string coefficient(const std::optional<double>& value) {
  if (!value) return "-";
  const double rounded = std::round(100 * *value) / 100;
  return fmt::format("{:.2f}", rounded + 0.0);  // no "-0.00"
}

}  // namespace valley
