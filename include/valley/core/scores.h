#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The figures that a model is judged by, known without LibTorch and without the task they are of:
/// whoever writes, reads or shows a record follows the names that the task gave them.
namespace valley {

struct ScoreInfo {
  std::string name;  ///< as records have it: "accuracy" of "test_accuracy"; [a-z0-9_]
  bool more_is_better = false;
  bool is_share = false;        ///< in [0, 1], and shown in per cent
  std::string short_name = {};  ///< where there is little room: "acc"; empty: the name
};

/// What the scores of a task are.
struct ScoreSheet {
  std::string task;
  std::vector<ScoreInfo> scores;  ///< the first is "loss", what is trained: less is better
  size_t headline = 0;            ///< which of them tables lead with, and runs are compared by
  /// Who scores chance, in words: "the commonest class alone"; empty where nobody does.
  std::string chance = {};

  const ScoreInfo& main() const { return scores[headline]; }

  /// All of them, the headline first.
  std::vector<ScoreInfo> headline_first() const;
};

/// Of classification, and so of every record that does not say what it is of: there was no other
/// task when the first ones were written.
///
///     loss      mean cross-entropy, in nats
///     accuracy  share of examples whose largest logit is the right one, in [0, 1]; the headline
const ScoreSheet& classification_scores();

/// Values by name, in their task's order.
struct Scores {
  std::vector<std::pair<std::string, double>> values = {};

  /// NaN where there is none of that name.
  double operator[](std::string_view name) const;
  double loss() const { return (*this)["loss"]; }
};

/// Before anything was evaluated.
Scores zero_scores(const ScoreSheet& sheet);

/// How much worse the headline is on the test set than on the training set: of accuracy the test
/// error minus the training error, in [-1, 1].
double generalization_gap(const ScoreSheet& sheet, const Scores& train, const Scores& test);

/// Whether 1 - headline is a share of wrong answers.
bool has_error(const ScoreSheet& sheet);

/// That; NaN where it is none.
double error_of(const ScoreSheet& sheet, const Scores& scores);

/// Whether `a` is the better value of the two.
bool is_better(const ScoreInfo& score, double a, double b);

/// "test_accuracy": the key of a record; `of` is "train", "test" or "chance".
std::string score_key(std::string_view of, const ScoreInfo& score);

/// "test accuracy": the same, for people; `of` may be "": "accuracy".
std::string score_words(std::string_view of, const ScoreInfo& score);

/// "test acc. %": the head of a column, whose cells leave out the sign.
std::string score_column(std::string_view of, const ScoreInfo& score);

/// "87.34 %" or "0.1234", and the same of a difference.
std::string score_text(const ScoreInfo& score, double value);
std::string score_difference(const ScoreInfo& score, double value);

/// By what a value is shown: 100 for a share.
double score_scale(const ScoreInfo& score);

}  // namespace valley
