#include "valley/schedule/period.h"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>
#include <vector>

#include "valley/core/error.h"
#include "valley/schedule/learning_rate.h"

namespace valley::period_test {
namespace {

using Kind = PeriodSpec::Kind;

template <typename Function>
std::string error_of(Function&& function) {
  try {
    function();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no error";
}

std::string parse_error(std::string_view text) {
  return error_of([&] { parse_period(text); });
}

// The steps, counted from 1, after which a round took place.
std::vector<int64_t> round_steps(RoundClock& clock, int64_t from, int64_t total) {
  std::vector<int64_t> steps;
  for (int64_t k = from; k < total; ++k)
    if (clock.tick()) steps.push_back(k + 1);
  return steps;
}

TEST(Period, ParsesItsThreeForms) {
  EXPECT_EQ(parse_period("8"), (PeriodSpec{.kind = Kind::kConstant, .base = 8}));
  EXPECT_EQ(parse_period("post-local:3:16"),
            (PeriodSpec{.kind = Kind::kPostLocal, .base = 16, .switch_epoch = 3}));
  EXPECT_EQ(parse_period("qsr:4:0.25"),
            (PeriodSpec{.kind = Kind::kQsr, .base = 4, .coefficient = 0.25}));
}

TEST(Period, TextRoundTrips) {
  for (const char* text :
       {"1", "64", "post-local:0:4", "post-local:10:8", "qsr:4:0.2", "qsr:1:0.30000000000000004"})
    EXPECT_EQ(to_string(parse_period(text)), text);
}

TEST(Period, NamesRuleAndValue) {
  const std::string form = "period must be N, post-local:EPOCH:N or qsr:BASE:COEF, got ";
  for (const char* text : {"x", "", "4.5", "4x", " 4", "post-local", "post-local:3",
                           "post-local:3:4:5", "post-local::4", "post-local:a:4", "qsr", "qsr:4",
                           "qsr:4:", "qsr:4:x", "qsr:4:0.2x", "local:3:4", "99999999999999999999"})
    EXPECT_EQ(parse_error(text), form + "'" + text + "'");
  EXPECT_EQ(parse_error("0"), "period must be at least 1, got 0");
  EXPECT_EQ(parse_error("-3"), "period must be at least 1, got -3");
  EXPECT_EQ(parse_error("post-local:-1:4"),
            "period post-local:EPOCH:N needs an EPOCH >= 0, got -1");
  EXPECT_EQ(parse_error("post-local:1:0"),
            "period post-local:EPOCH:N needs N to be at least 1, got 0");
  EXPECT_EQ(parse_error("qsr:0:0.2"), "period qsr:BASE:COEF needs BASE to be at least 1, got 0");
  EXPECT_EQ(parse_error("qsr:4:0"), "period qsr:BASE:COEF needs COEF > 0, got 0");
  EXPECT_EQ(parse_error("qsr:4:inf"), "period qsr:BASE:COEF needs COEF > 0, got inf");
  EXPECT_EQ(parse_error("qsr:4:nan"), "period qsr:BASE:COEF needs COEF > 0, got nan");
}

TEST(Qsr, TheTableOfTheRule) {
  const int64_t many = 1'000'000;
  EXPECT_EQ(qsr_period(4, 0.2, 0.2, many), 4);
  EXPECT_EQ(qsr_period(4, 0.2, 0.1, many), 4);
  EXPECT_EQ(qsr_period(4, 0.2, 0.06, many), 11);
  EXPECT_EQ(qsr_period(4, 0.2, 0.05, many), 16);
  EXPECT_EQ(qsr_period(4, 0.2, 0.02, many), 100);
  EXPECT_EQ(qsr_period(4, 0.2, 0.01, many), 400);
}

TEST(Qsr, WholeRatiosAreNotLostToRounding) {
  for (int64_t ratio = 1; ratio <= 1000; ++ratio)
    EXPECT_EQ(qsr_period(1, 0.3, 0.3 / static_cast<double>(ratio), 10'000'000), ratio * ratio);
}

TEST(Qsr, IsClippedToTheStepsLeft) {
  EXPECT_EQ(qsr_period(4, 0.2, 0.01, 399), 399);
  EXPECT_EQ(qsr_period(4, 0.2, 0.2, 3), 3);
  EXPECT_EQ(qsr_period(4, 0.2, 0, 70), 70);
  EXPECT_EQ(qsr_period(4, 0.2, std::numeric_limits<double>::denorm_min(), 70), 70);
  EXPECT_EQ(qsr_period(4, 0.2, 1e-200, std::numeric_limits<int64_t>::max()),
            std::numeric_limits<int64_t>::max());
}

TEST(RoundClock, FirstRoundAfterAWholePeriod) {
  RoundClock clock({.base = 4}, 11, 11);
  EXPECT_EQ(clock.period(), 4);
  EXPECT_EQ(round_steps(clock, 0, 11), (std::vector<int64_t>{4, 8}));
  EXPECT_EQ(clock.rounds(), 2);
  EXPECT_EQ(clock.position(), 3);
  EXPECT_TRUE(clock.final_average_needed());
}

TEST(RoundClock, RoundsAreTheFloorOfStepsOverPeriod) {
  for (int64_t period = 1; period <= 9; ++period) {
    for (int64_t total = 1; total <= 40; ++total) {
      RoundClock clock({.base = period}, total, 7);
      round_steps(clock, 0, total);
      EXPECT_EQ(clock.rounds(), total / period);
      EXPECT_EQ(clock.final_average_needed(), total % period != 0);
    }
  }
}

TEST(RoundClock, PostLocalSwitchesAtTheEpoch) {
  RoundClock clock(parse_period("post-local:2:4"), 16, 3);
  EXPECT_EQ(clock.period(), 1);
  EXPECT_EQ(round_steps(clock, 0, 16), (std::vector<int64_t>{1, 2, 3, 4, 5, 6, 10, 14}));
  EXPECT_EQ(clock.period(), 4);
  EXPECT_TRUE(clock.final_average_needed());
}

TEST(RoundClock, PostLocalFromEpochZeroIsConstant) {
  RoundClock clock(parse_period("post-local:0:4"), 8, 3);
  EXPECT_EQ(round_steps(clock, 0, 8), (std::vector<int64_t>{4, 8}));
  EXPECT_FALSE(clock.final_average_needed());
}

TEST(RoundClock, QsrAsksForTheRateOnlyRightAfterARound) {
  std::vector<int64_t> asked;
  RoundClock clock(parse_period("qsr:2:0.2"), 40, 10, [&](int64_t step) {
    asked.push_back(step);
    return step < 5 ? 0.1 : 0.05;  // H = 4, then 16
  });
  EXPECT_EQ(clock.period(), 4);
  // The change at step 5 is seen after the round at 8; after 24 there are 16 left.
  EXPECT_EQ(round_steps(clock, 0, 40), (std::vector<int64_t>{4, 8, 24, 40}));
  EXPECT_EQ(asked, (std::vector<int64_t>{0, 4, 8, 24}));
  EXPECT_FALSE(clock.final_average_needed());
}

TEST(RoundClock, QsrEndsWithARoundOnTheLastStep) {
  for (int64_t total = 1; total <= 300; ++total) {
    const LrSchedule schedule({.shape = LrShape::kCosine, .base = 0.1, .total_steps = total});
    RoundClock clock(parse_period("qsr:4:0.2"), total, 10,
                     [&](int64_t step) { return schedule.at(step); });
    const auto steps = round_steps(clock, 0, total);
    ASSERT_FALSE(steps.empty());
    EXPECT_EQ(steps.back(), total);
    EXPECT_EQ(clock.rounds(), static_cast<int64_t>(steps.size()));
    EXPECT_FALSE(clock.final_average_needed());
  }
}

// A warm-up's first rate, lr / 50, would make (COEF / lr)^2 longer than the run: one single round.
TEST(RoundClock, QsrHoldsItsBasePeriodWhileTheRateWarmsUp) {
  const int64_t total = 500, warmup = 50;
  const LrSchedule schedule(
      {.shape = LrShape::kCosine, .base = 0.1, .warmup_steps = warmup, .total_steps = total});
  const auto rate = [&](int64_t step) { return schedule.at(step); };
  RoundClock clock(parse_period("qsr:4:0.2"), total, 10, rate, warmup);
  const auto steps = round_steps(clock, 0, total);
  EXPECT_EQ(clock.rounds(), 60);
  for (size_t round = 0; round < 14; ++round) EXPECT_EQ(steps[round], 4 * (int64_t(round) + 1));
  EXPECT_EQ(steps.back(), total);

  // The period that begins at the first step after it follows the rule: (0.2 / 0.05)^2 = 16.
  RoundClock late(
      parse_period("qsr:2:0.2"), 30, 10, [](int64_t step) { return step < 5 ? 0.001 : 0.05; }, 5);
  EXPECT_EQ(round_steps(late, 0, 30), (std::vector<int64_t>{2, 4, 6, 22, 30}));

  // Also where a run goes on within the warm-up, and where the run is shorter than the period.
  late.start_at(3);
  EXPECT_EQ(late.period(), 2);
  EXPECT_EQ(RoundClock(parse_period("qsr:8:0.2"), 5, 10, rate, 5).period(), 5);
}

TEST(RoundClock, ResumesExactlyFromEveryStep) {
  const int64_t total = 120;
  const LrSchedule schedule(
      {.shape = LrShape::kCosine, .base = 0.1, .warmup_steps = 20, .total_steps = total});
  const auto rate = [&](int64_t step) { return schedule.at(step); };
  for (const char* period : {"7", "post-local:3:5", "qsr:4:0.2"}) {
    RoundClock whole(parse_period(period), total, 10, rate, 20);
    const auto expected = round_steps(whole, 0, total);
    for (int64_t stop = 0; stop <= total; ++stop) {
      RoundClock before(parse_period(period), total, 10, rate, 20);
      auto steps = round_steps(before, 0, stop);
      RoundClock after(parse_period(period), total, 10, rate, 20);
      after.set_state(before.state());
      const auto rest = round_steps(after, stop, total);
      steps.insert(steps.end(), rest.begin(), rest.end());
      EXPECT_EQ(steps, expected) << period << " stopped at " << stop;
      EXPECT_EQ(after.state(), whole.state());
    }
  }
}

TEST(RoundClock, NamesRuleAndValue) {
  EXPECT_EQ(error_of([] { RoundClock({.base = 0}, 1, 1); }), "period must be at least 1, got 0");
  EXPECT_EQ(error_of([] { RoundClock({}, 0, 1); }), "steps must be at least 1, got 0");
  EXPECT_EQ(error_of([] { RoundClock({}, 1, 0); }), "an epoch must have at least 1 step, got 0");
  EXPECT_EQ(error_of([] { RoundClock({.kind = Kind::kQsr}, 1, 1); }),
            "period qsr:BASE:COEF needs a learning-rate schedule");
  EXPECT_EQ(error_of([] { RoundClock({}, 1, 1, {}, -1); }),
            "warmup-steps must be at least 0, got -1");
  RoundClock clock({.base = 4}, 10, 10);
  EXPECT_EQ(error_of([&] { clock.set_state({.step = 11, .period = 4, .position = 3}); }),
            "a run of 10 steps cannot go on from step 11, 3 steps into a period of 4");
  EXPECT_EQ(error_of([&] { clock.set_state({.step = 8, .period = 4, .position = 4}); }),
            "a run of 10 steps cannot go on from step 8, 4 steps into a period of 4");
}

TEST(RoundClock, StartsAtAStepAsIfTheWorkersHadJustMet) {
  RoundClock late(parse_period("post-local:2:3"), 100, 10);
  late.start_at(20);  // the beginning of epoch 2
  EXPECT_EQ(late.period(), 3);
  EXPECT_FALSE(late.tick());
  EXPECT_FALSE(late.tick());
  EXPECT_TRUE(late.tick());
  EXPECT_EQ(late.rounds(), 1);

  RoundClock qsr(parse_period("qsr:4:0.2"), 1000, 10,
                 [](int64_t step) { return step < 500 ? 0.1 : 0.02; });
  qsr.start_at(500);
  EXPECT_EQ(qsr.period(), 100);
  qsr.start_at(1000);  // nothing left to do
  EXPECT_FALSE(qsr.final_average_needed());
}

}  // namespace
}  // namespace valley::period_test
