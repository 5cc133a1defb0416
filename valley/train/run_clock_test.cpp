#include "valley/train/run_clock.h"

#include <gtest/gtest.h>

#include <vector>

namespace valley::run_clock_test {
namespace {

using Due = bool (RunClock::*)() const;

std::vector<int64_t> steps_where(RunClock clock, Due due) {
  std::vector<int64_t> steps;
  while (!clock.at_end()) {
    ++clock.step;
    if ((clock.*due)()) steps.push_back(clock.step);
  }
  return steps;
}

TEST(RunClock, SaysWhatIsDue) {
  const RunClock clock{
      .total_steps = 12, .steps_per_epoch = 3, .evaluate_every = 2, .checkpoint_every = 5};
  using Steps = std::vector<int64_t>;
  EXPECT_EQ(steps_where(clock, &RunClock::epoch_ends), (Steps{3, 6, 9, 12}));
  EXPECT_EQ(steps_where(clock, &RunClock::evaluation_due), (Steps{6}));  // the end has its own
  EXPECT_EQ(steps_where(clock, &RunClock::checkpoint_due), (Steps{5, 10}));
}

TEST(RunClock, ZeroMeansOnlyAtTheEnd) {
  const RunClock clock{.total_steps = 4, .steps_per_epoch = 2, .evaluate_every = 0};
  EXPECT_TRUE(steps_where(clock, &RunClock::evaluation_due).empty());
  EXPECT_TRUE(steps_where(clock, &RunClock::checkpoint_due).empty());
}

TEST(RunClock, CountsEpochsInParts) {
  EXPECT_EQ((RunClock{.total_steps = 8, .steps_per_epoch = 4, .step = 6}).epoch(), 1.5);
}

}  // namespace
}  // namespace valley::run_clock_test
