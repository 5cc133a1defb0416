#include "valley/core/scores.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace valley {
namespace {

std::string with_spaces(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

}  // namespace

std::vector<ScoreInfo> ScoreSheet::headline_first() const {
  std::vector<ScoreInfo> all = scores;
  std::rotate(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(headline),
              all.begin() + static_cast<std::ptrdiff_t>(headline) + 1);
  return all;
}

const ScoreSheet& classification_scores() {
  static const ScoreSheet sheet = {.task = "classification",
                                   .scores = {{.name = "loss"},
                                              {.name = "accuracy",
                                               .more_is_better = true,
                                               .is_share = true,
                                               .short_name = "acc"}},
                                   .headline = 1,
                                   .chance = "the commonest class alone"};
  return sheet;
}

double Scores::operator[](std::string_view name) const {
  for (const auto& [own, value] : values) {
    if (own == name) return value;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

Scores zero_scores(const ScoreSheet& sheet) {
  Scores zeros;
  for (const ScoreInfo& score : sheet.scores) zeros.values.emplace_back(score.name, 0);
  return zeros;
}

double generalization_gap(const ScoreSheet& sheet, const Scores& train, const Scores& test) {
  const ScoreInfo& score = sheet.main();
  return score.more_is_better ? train[score.name] - test[score.name]
                              : test[score.name] - train[score.name];
}

bool has_error(const ScoreSheet& sheet) {
  return sheet.main().is_share && sheet.main().more_is_better;
}

double error_of(const ScoreSheet& sheet, const Scores& scores) {
  return has_error(sheet) ? 1 - scores[sheet.main().name]
                          : std::numeric_limits<double>::quiet_NaN();
}

bool is_better(const ScoreInfo& score, double a, double b) {
  return score.more_is_better ? a > b : a < b;
}

std::string score_key(std::string_view of, const ScoreInfo& score) {
  return fmt::format("{}_{}", of, score.name);
}

std::string score_words(std::string_view of, const ScoreInfo& score) {
  return fmt::format("{}{}{}", of, of.empty() ? "" : " ", with_spaces(score.name));
}

std::string score_column(std::string_view of, const ScoreInfo& score) {
  const std::string name =
      score.short_name.empty() ? with_spaces(score.name) : score.short_name + ".";
  return fmt::format("{} {}{}", of, name, score.is_share ? " %" : "");
}

std::string score_text(const ScoreInfo& score, double value) {
  if (score.is_share) return fmt::format("{:.2f} %", 100 * value);
  return score.name == "loss" ? fmt::format("{:.4f}", value) : fmt::format("{:.4g}", value);
}

std::string score_difference(const ScoreInfo& score, double value) {
  return score.is_share ? fmt::format("{:.2f} %", 100 * value) : fmt::format("{:.4g}", value);
}

double score_scale(const ScoreInfo& score) { return score.is_share ? 100 : 1; }

}  // namespace valley
