#include "valley/record/score_record.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace valley {
namespace {

ScoreSheet sheet_from(const Json& task) {
  ScoreSheet sheet{.task = task.at("name"), .scores = {}, .chance = task.value("chance", "")};
  for (const Json& score : task.at("scores")) {
    sheet.scores.push_back({.name = score.at("name"),
                            .more_is_better = score.at("more_is_better"),
                            .is_share = score.at("is_share"),
                            .short_name = score.value("short_name", "")});
  }
  const std::string headline = task.at("headline");
  const auto found = std::find_if(sheet.scores.begin(), sheet.scores.end(),
                                  [&](const ScoreInfo& score) { return score.name == headline; });
  if (found == sheet.scores.end()) return classification_scores();
  sheet.headline = static_cast<size_t>(found - sheet.scores.begin());
  return sheet;
}

}  // namespace

void add_sheet(Json& record, const ScoreSheet& sheet) {
  if (sheet.task == classification_scores().task) return;
  Json scores = Json::array();
  for (const ScoreInfo& score : sheet.scores) {
    scores.push_back({{"name", score.name},
                      {"more_is_better", score.more_is_better},
                      {"is_share", score.is_share}});
    if (!score.short_name.empty()) scores.back()["short_name"] = score.short_name;
  }
  record["task"] = {{"name", sheet.task}, {"headline", sheet.main().name}};
  if (!sheet.chance.empty()) record["task"]["chance"] = sheet.chance;
  record["task"]["scores"] = std::move(scores);
}

ScoreSheet sheet_of(const Json& record) {
  if (!record.is_object() || !record.contains("task")) return classification_scores();
  try {
    return sheet_from(record["task"]);
  } catch (const Json::exception&) {
    return classification_scores();
  }
}

void add_scores(Json& record, const ScoreSheet& sheet, std::string_view of, const Scores& scores) {
  for (const ScoreInfo& score : sheet.scores) record[score_key(of, score)] = scores[score.name];
}

Json by_worker(const std::vector<Scores>& workers) {
  Json list = Json::array();
  for (const Scores& scores : workers) {
    Json& one = list.emplace_back(Json::object());
    for (const auto& [name, value] : scores.values) one[name] = finite_or_null(value);
  }
  return list;
}

}  // namespace valley
