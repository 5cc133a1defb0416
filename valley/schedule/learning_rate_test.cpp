#include "valley/schedule/learning_rate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "valley/core/error.h"

namespace valley::learning_rate_test {
namespace {

std::string error_of(const LrScheduleOptions& options) {
  try {
    LrSchedule{options};
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no error";
}

TEST(LrSchedule, ConstantAfterALinearWarmUp) {
  const LrSchedule schedule(
      {.shape = LrShape::kConstant, .base = 0.4, .warmup_steps = 4, .total_steps = 10});
  EXPECT_DOUBLE_EQ(schedule.at(0), 0.1);
  EXPECT_DOUBLE_EQ(schedule.at(1), 0.2);
  EXPECT_DOUBLE_EQ(schedule.at(2), 0.3);
  EXPECT_DOUBLE_EQ(schedule.at(3), 0.4);
  EXPECT_DOUBLE_EQ(schedule.at(4), 0.4);
  EXPECT_DOUBLE_EQ(schedule.at(9), 0.4);
}

TEST(LrSchedule, CosineStartsAtTheBaseAndEndsAtZero) {
  const LrSchedule schedule({.shape = LrShape::kCosine, .base = 0.2, .total_steps = 8});
  EXPECT_DOUBLE_EQ(schedule.at(0), 0.2);
  EXPECT_DOUBLE_EQ(schedule.at(2), 0.2 * (1 + std::sqrt(0.5)) / 2);
  EXPECT_NEAR(schedule.at(4), 0.1, 1e-16);
  EXPECT_GT(schedule.at(7), 0);
  EXPECT_EQ(schedule.at(8), 0);
  EXPECT_EQ(schedule.at(9), 0);
}

TEST(LrSchedule, CosineRunsOverTheStepsAfterTheWarmUp) {
  const LrSchedule schedule(
      {.shape = LrShape::kCosine, .base = 1, .warmup_steps = 2, .total_steps = 10});
  EXPECT_DOUBLE_EQ(schedule.at(0), 0.5);
  EXPECT_DOUBLE_EQ(schedule.at(1), 1);
  EXPECT_DOUBLE_EQ(schedule.at(2), 1);
  EXPECT_NEAR(schedule.at(6), 0.5, 1e-15);
  EXPECT_EQ(schedule.at(10), 0);
}

TEST(LrSchedule, AWarmUpMayFillTheRun) {
  const LrSchedule schedule({.base = 1, .warmup_steps = 2, .total_steps = 2});
  EXPECT_DOUBLE_EQ(schedule.at(1), 1);
  EXPECT_EQ(schedule.at(2), 0);
}

TEST(LrSchedule, StepFallsAtTheMilestones) {
  const LrSchedule schedule({.shape = LrShape::kStep, .base = 1, .total_steps = 100});
  EXPECT_DOUBLE_EQ(schedule.at(49), 1);
  EXPECT_DOUBLE_EQ(schedule.at(50), 0.1);
  EXPECT_DOUBLE_EQ(schedule.at(74), 0.1);
  EXPECT_DOUBLE_EQ(schedule.at(75), 0.01);
}

TEST(LrSchedule, LinearFallsByTheSameEveryStep) {
  const LrSchedule schedule(
      {.shape = LrShape::kLinear, .base = 1, .warmup_steps = 2, .total_steps = 10});
  EXPECT_DOUBLE_EQ(schedule.at(1), 1);
  EXPECT_DOUBLE_EQ(schedule.at(2), 1);
  EXPECT_DOUBLE_EQ(schedule.at(4), 0.75);
  EXPECT_DOUBLE_EQ(schedule.at(9), 0.125);
  EXPECT_EQ(schedule.at(10), 0);
}

TEST(LrSchedule, TheFloorIsWhereCosineAndLinearEnd) {
  for (const LrShape shape : {LrShape::kCosine, LrShape::kLinear}) {
    const LrSchedule schedule({.shape = shape, .base = 2, .total_steps = 8, .floor = 0.1});
    EXPECT_DOUBLE_EQ(schedule.at(0), 2);
    EXPECT_NEAR(schedule.at(4), 1.1, 1e-15);
    EXPECT_DOUBLE_EQ(schedule.at(8), 0.2);
    EXPECT_DOUBLE_EQ(schedule.at(20), 0.2);
  }
}

TEST(LrSchedule, AWarmUpMayBeAShareOfTheRun) {
  const LrSchedule share({.base = 1, .total_steps = 41, .warmup_share = 0.1});
  const LrSchedule steps({.base = 1, .warmup_steps = 4, .total_steps = 41});
  EXPECT_EQ(share.warmup_steps(), 4);
  for (int64_t k = 0; k <= 41; ++k) EXPECT_EQ(share.at(k), steps.at(k)) << k;
}

TEST(LrSchedule, MilestonesHaveATextForm) {
  EXPECT_EQ(parse_milestones("0.3,0.6,0.9"), (std::vector<double>{0.3, 0.6, 0.9}));
  EXPECT_EQ(milestones_text({0.5, 0.75}), "0.5,0.75");
  const auto refusal = [](const char* text) {
    try {
      parse_milestones(text);
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(refusal(""), "lr-milestones must be numbers with commas between them, got ''");
  EXPECT_EQ(refusal("0.5,x"),
            "lr-milestones must be numbers with commas between them, got '0.5,x'");
  EXPECT_EQ(refusal("0.5,1.5"),
            "the milestones of a learning rate must be fractions of the run in (0, 1), got 1.5");
}

TEST(LrSchedule, MilestonesDoNotSlipByRounding) {
  for (const int64_t total : {10, 100, 1000, 30000}) {
    for (int tenth = 1; tenth < 10; ++tenth) {
      const LrSchedule schedule({.shape = LrShape::kStep,
                                 .base = 1,
                                 .total_steps = total,
                                 .factor = 0.5,
                                 .milestones = {tenth * 0.1}});
      EXPECT_EQ(schedule.at(total * tenth / 10 - 1), 1) << total << " " << tenth;
      EXPECT_EQ(schedule.at(total * tenth / 10), 0.5) << total << " " << tenth;
    }
  }
}

TEST(LrSchedule, NamesOptionRuleAndValue) {
  EXPECT_EQ(error_of({}), "no error");
  EXPECT_EQ(error_of({.base = 0}), "lr must be above 0, got 0");
  EXPECT_EQ(error_of({.base = -0.5}), "lr must be above 0, got -0.5");
  EXPECT_EQ(error_of({.base = std::nan("")}), "lr must be above 0, got nan");
  EXPECT_EQ(error_of({.base = std::numeric_limits<double>::infinity()}),
            "lr must be above 0, got inf");
  EXPECT_EQ(error_of({.total_steps = 0}), "steps must be at least 1, got 0");
  EXPECT_EQ(error_of({.warmup_steps = -1, .total_steps = 5}),
            "warmup-steps must be between 0 and the run's 5 steps, got -1");
  EXPECT_EQ(error_of({.warmup_steps = 6, .total_steps = 5}),
            "warmup-steps must be between 0 and the run's 5 steps, got 6");
  EXPECT_EQ(error_of({.floor = 2}), "lr-floor must be in [0, 1], got 2");
  EXPECT_EQ(error_of({.warmup_steps = 1, .total_steps = 9, .warmup_share = 0.5}),
            "warmup-share and warmup-steps say the same: give one of them");
  EXPECT_EQ(error_of({.factor = 0}),
            "the factor of a learning rate in steps must be in (0, 1], got 0");
  EXPECT_EQ(error_of({.factor = 1.5}),
            "the factor of a learning rate in steps must be in (0, 1], got 1.5");
  EXPECT_EQ(error_of({.milestones = {0.5, 1}}),
            "the milestones of a learning rate must be fractions of the run in (0, 1), got 1");
  EXPECT_EQ(error_of({.milestones = {0.5, 0.25}}),
            "the milestones of a learning rate must increase, got 0.25 after 0.5");
}

TEST(LrShape, NamesMatchTheEnum) {
  EXPECT_EQ(kLrShapes.parse("constant"), LrShape::kConstant);
  EXPECT_EQ(kLrShapes.parse("cosine"), LrShape::kCosine);
  EXPECT_EQ(kLrShapes.parse("step"), LrShape::kStep);
  try {
    kLrShapes.parse("cosin");
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(),
                 "unknown learning-rate schedule 'cosin'; did you mean 'cosine'? "
                 "known: constant, cosine, step, linear");
  }
}

}  // namespace
}  // namespace valley::learning_rate_test
