#include "valley/record/verdict.h"

#include <gtest/gtest.h>

namespace valley::verdict_test {
namespace {

// Ten classes in equal parts, learned well.
const EndFigures kGood = {.first_loss = 2.3,
                          .train_loss = 0.2,
                          .train_score = 0.9,
                          .test_score = 0.8,
                          .train_chance = 0.1,
                          .test_chance = 0.1};

const ScoreInfo& kAccuracy = classification_scores().main();

template <typename T>
EndFigures with(T EndFigures::*member, double value) {
  EndFigures end = kGood;
  end.*member = value;
  return end;
}

TEST(Verdict, ComparesTheEndWithTheStartAndWithChance) {
  EXPECT_EQ(judge(kGood, kAccuracy), Verdict::kLearned);
  EXPECT_EQ(judge(with(&EndFigures::train_loss, 2.31), kAccuracy), Verdict::kWorse);
  EXPECT_EQ(judge(with(&EndFigures::train_loss, 2.3), kAccuracy), Verdict::kLearned);
  EXPECT_EQ(judge(with(&EndFigures::train_score, 0.1), kAccuracy), Verdict::kChance);
  EXPECT_EQ(judge(with(&EndFigures::test_score, 0.1), kAccuracy), Verdict::kChance);
  EXPECT_EQ(judge(with(&EndFigures::test_chance, 0.85), kAccuracy), Verdict::kChance);
  EXPECT_EQ(judge(with(&EndFigures::test_score, 0.1001), kAccuracy), Verdict::kLearned);
}

// A run that goes on from an older checkpoint.
TEST(Verdict, WithoutAStartOnlyChanceIsSeen) {
  EndFigures end = kGood;
  end.first_loss = EndFigures{}.first_loss;
  end.train_loss = 59;
  EXPECT_EQ(judge(end, kAccuracy), Verdict::kLearned);
  end.test_score = 0.1;
  EXPECT_EQ(judge(end, kAccuracy), Verdict::kChance);
}

TEST(Verdict, NamesAreReadBack) {
  for (const Verdict verdict :
       {Verdict::kUnknown, Verdict::kLearned, Verdict::kWorse, Verdict::kChance}) {
    EXPECT_EQ(parse_verdict(name(verdict)), verdict);
  }
  EXPECT_EQ(name(Verdict::kWorse), "worse");
  EXPECT_EQ(parse_verdict(""), Verdict::kUnknown);
  EXPECT_EQ(parse_verdict("splendid"), Verdict::kUnknown);
}

TEST(Verdict, SaysWhatIsWrong) {
  const auto text = [](Verdict verdict, const EndFigures& end) {
    return caution(verdict, end, classification_scores());
  };
  EXPECT_EQ(text(Verdict::kWorse, {.first_loss = 2.3126, .train_loss = 59.123}),
            "training ended worse than it began: training loss 59.12, in the first batches 2.313");
  EXPECT_EQ(text(Verdict::kChance, {.test_score = 0.1, .test_chance = 0.1025}),
            "the model is no better than chance: test accuracy 10.00 %, the commonest class alone "
            "10.25 %");
  EXPECT_EQ(text(Verdict::kLearned, kGood), "");
  EXPECT_EQ(text(Verdict::kUnknown, with(&EndFigures::train_loss, 59)), "");
}

// Of an error, less is better; and not every task knows who scores chance.
TEST(Verdict, FollowsTheTaskOfTheScores) {
  const ScoreSheet sheet = {.task = "squares",
                            .scores = {{.name = "loss"}, {.name = "mean_error"}},
                            .headline = 1,
                            .chance = "the mean target alone"};
  EndFigures end = {.first_loss = 2,
                    .train_loss = 1,
                    .train_score = 0.3,
                    .test_score = 0.4,
                    .train_chance = 0.5,
                    .test_chance = 0.5};
  EXPECT_EQ(judge(end, sheet.main()), Verdict::kLearned);
  end.test_score = 0.51;
  EXPECT_EQ(judge(end, sheet.main()), Verdict::kChance);
  EXPECT_EQ(caution(Verdict::kChance, end, sheet),
            "the model is no better than chance: test mean error 0.51, the mean target alone 0.5");
  end.train_chance = end.test_chance = std::nullopt;
  EXPECT_EQ(judge(end, sheet.main()), Verdict::kLearned);
}

}  // namespace
}  // namespace valley::verdict_test
