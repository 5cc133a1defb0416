#include "valley/core/scores.h"

#include <gtest/gtest.h>

#include <cmath>

namespace valley::scores_test {
namespace {

const ScoreSheet kSquares = {.task = "squares",
                             .scores = {{.name = "loss"}, {.name = "mean_error"}, {.name = "r2"}},
                             .headline = 1};

TEST(Scores, AreFoundByName) {
  const Scores scores = {{{"loss", 0.5}, {"mean_error", 2}}};
  EXPECT_EQ(scores.loss(), 0.5);
  EXPECT_EQ(scores["mean_error"], 2);
  EXPECT_TRUE(std::isnan(scores["accuracy"]));
  EXPECT_EQ(zero_scores(kSquares)["r2"], 0);
}

TEST(Scores, TheHeadlineComesFirst) {
  std::string names;
  for (const ScoreInfo& score : kSquares.headline_first()) names += score.name + " ";
  EXPECT_EQ(names, "mean_error loss r2 ");
}

// Above 0 where the model is worse on the test set, whichever way is better.
TEST(Scores, TheGapIsWhatTheTestSetIsWorse) {
  EXPECT_EQ(generalization_gap(kSquares, {{{"mean_error", 1}}}, {{{"mean_error", 3}}}), 2);
  EXPECT_EQ(
      generalization_gap(classification_scores(), {{{"accuracy", 0.75}}}, {{{"accuracy", 0.5}}}),
      0.25);
}

TEST(Scores, AnErrorNeedsAShareOfRightAnswers) {
  EXPECT_EQ(error_of(classification_scores(), {{{"accuracy", 0.75}}}), 0.25);
  EXPECT_TRUE(std::isnan(error_of(kSquares, {{{"mean_error", 0.75}}})));
}

TEST(Scores, BetterIsWhatTheTaskSays) {
  EXPECT_TRUE(is_better(kSquares.main(), 1, 2));
  EXPECT_FALSE(is_better(kSquares.main(), 2, 2));
  EXPECT_TRUE(is_better(classification_scores().main(), 2, 1));
}

TEST(Scores, HaveKeysAndWords) {
  const ScoreInfo &accuracy = classification_scores().main(), &error = kSquares.main();
  EXPECT_EQ(score_key("test", accuracy), "test_accuracy");
  EXPECT_EQ(score_key("chance", error), "chance_mean_error");
  EXPECT_EQ(score_words("train", error), "train mean error");
  EXPECT_EQ(score_words("", error), "mean error");
  EXPECT_EQ(score_column("test", accuracy), "test acc. %");
  EXPECT_EQ(score_column("test", error), "test mean error");
  EXPECT_EQ(score_text(accuracy, 0.87342), "87.34 %");
  EXPECT_EQ(score_text(classification_scores().scores[0], 0.5), "0.5000");
  EXPECT_EQ(score_text(error, 1.23456e-5), "1.235e-05");
  EXPECT_EQ(score_difference(accuracy, -0.0123), "-1.23 %");
  EXPECT_EQ(score_scale(error), 1);
}

}  // namespace
}  // namespace valley::scores_test
