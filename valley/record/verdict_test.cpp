#include "valley/record/verdict.h"

#include <gtest/gtest.h>

namespace valley::verdict_test {
namespace {

// Ten classes in equal parts, learned well.
constexpr EndFigures kGood = {.first_loss = 2.3,
                              .train_loss = 0.2,
                              .train_accuracy = 0.9,
                              .test_accuracy = 0.8,
                              .train_chance = 0.1,
                              .test_chance = 0.1};

EndFigures with(double EndFigures::*member, double value) {
  EndFigures end = kGood;
  end.*member = value;
  return end;
}

TEST(Verdict, ComparesTheEndWithTheStartAndWithChance) {
  EXPECT_EQ(judge(kGood), Verdict::kLearned);
  EXPECT_EQ(judge(with(&EndFigures::train_loss, 2.31)), Verdict::kWorse);
  EXPECT_EQ(judge(with(&EndFigures::train_loss, 2.3)), Verdict::kLearned);
  EXPECT_EQ(judge(with(&EndFigures::train_accuracy, 0.1)), Verdict::kChance);
  EXPECT_EQ(judge(with(&EndFigures::test_accuracy, 0.1)), Verdict::kChance);
  EXPECT_EQ(judge(with(&EndFigures::test_chance, 0.85)), Verdict::kChance);
  EXPECT_EQ(judge(with(&EndFigures::test_accuracy, 0.1001)), Verdict::kLearned);
}

// A run that goes on from an older checkpoint.
TEST(Verdict, WithoutAStartOnlyChanceIsSeen) {
  EndFigures end = kGood;
  end.first_loss = EndFigures{}.first_loss;
  end.train_loss = 59;
  EXPECT_EQ(judge(end), Verdict::kLearned);
  end.test_accuracy = 0.1;
  EXPECT_EQ(judge(end), Verdict::kChance);
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
  EXPECT_EQ(caution(Verdict::kWorse, 59.123, 2.3126, 0.1, 0.1),
            "training ended worse than it began: training loss 59.12, in the first batches 2.313");
  EXPECT_EQ(caution(Verdict::kChance, 2.3026, 2.31, 0.1, 0.1025),
            "the model is no better than chance: test accuracy 10.00 %, the commonest class alone "
            "10.25 %");
  EXPECT_EQ(caution(Verdict::kLearned, 0.2, 2.3, 0.8, 0.1), "");
  EXPECT_EQ(caution(Verdict::kUnknown, 59, 2.3, 0.1, 0.1), "");
}

}  // namespace
}  // namespace valley::verdict_test
