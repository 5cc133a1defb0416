#include "valley/topology/stragglers.h"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"

namespace valley::stragglers_test {
namespace {

Pace with_straggler(int workers, double times) {
  Pace pace{.step_seconds = std::vector<double>(static_cast<size_t>(workers), 1.0)};
  pace.step_seconds[0] = times;
  return pace;
}

double rate(const std::vector<int64_t>& steps, double seconds) {
  return double(std::accumulate(steps.begin(), steps.end(), int64_t{0})) / seconds;
}

// n / max t against sum 1 / t: 1.6 against 15.1 steps a second, 9.4 times as many.
TEST(Stragglers, OneOfSixteenTenTimesSlower) {
  const auto ring = make_topology("ring", {.workers = 16});
  const Pace pace = with_straggler(16, 10);
  const double seconds = 1e4;
  EXPECT_NEAR(rate(synchronous_steps(pace, seconds), seconds), 1.6, 1e-9);
  const auto free = asynchronous_steps(*ring, pace, seconds, 1);
  EXPECT_NEAR(rate(free, seconds), 15.1, 1e-9);
  EXPECT_EQ(free[0], 1000);
  EXPECT_EQ(free[1], 10000);
  EXPECT_NEAR(rate(free, seconds) / rate(synchronous_steps(pace, seconds), seconds), 9.4375, 1e-9);
}

// Waiting spreads by one neighbour a step; in the long run everyone has the slowest one's pace.
TEST(Stragglers, OnAGraphTheSlowestIsFeltByAllButLater) {
  const auto ring = make_topology("ring", {.workers = 16});
  const Pace pace = with_straggler(16, 10);
  const auto early = steps_with_neighbours(*ring, pace, 8);
  EXPECT_EQ(early[0], 0);
  EXPECT_EQ(early[1], 0);
  for (int away = 1; away <= 8; ++away) EXPECT_EQ(early[static_cast<size_t>(away)], away - 1);
  EXPECT_NEAR(rate(steps_with_neighbours(*ring, pace, 1e4), 1e4), 1.6, 0.01);
  const auto alone = repeat({MixingMatrix::identity(16)});
  EXPECT_NEAR(rate(steps_with_neighbours(*alone, pace, 100), 100), 15.1, 1e-9);
}

TEST(Stragglers, EqualWorkersAreEquallyFastUnlessMessagesCost) {
  const auto ring = make_topology("ring", {.workers = 4});
  Pace pace = with_straggler(4, 1);
  EXPECT_NEAR(rate(synchronous_steps(pace, 100), 100), 4, 1e-9);
  EXPECT_NEAR(rate(steps_with_neighbours(*ring, pace, 100), 100), 4, 1e-9);
  EXPECT_NEAR(rate(asynchronous_steps(*ring, pace, 100, 1), 100), 4, 1e-9);
  pace.message_seconds = 0.25;
  EXPECT_NEAR(rate(synchronous_steps(pace, 100), 100), 3.2, 1e-9);
  EXPECT_NEAR(rate(steps_with_neighbours(*ring, pace, 100), 100), 3.2, 1e-9);
  // Meetings hide behind the gradients: at most two queue at one passive worker.
  EXPECT_NEAR(rate(asynchronous_steps(*ring, pace, 100, 1), 100), 4, 1e-9);
}

// Three leaves of a star take turns at its centre, a second each.
TEST(Stragglers, MeetingsQueueAtAWorkerThatManyWant) {
  const auto star = make_topology("star", {.workers = 4});
  Pace pace = with_straggler(4, 1);
  pace.message_seconds = 1;
  const auto steps = asynchronous_steps(*star, pace, 300, 1);
  EXPECT_EQ(steps[0], 300);
  for (size_t leaf = 1; leaf < 4; ++leaf) EXPECT_EQ(steps[leaf], 100);
}

TEST(Stragglers, CostTheirGroupsMoreTheMoreThatWait) {
  const auto ring = make_topology("ring", {.workers = 8});
  const Straggling slow = straggle(*ring, 10, 0, 1);
  EXPECT_NEAR(slow.ssgd, 0.8, 1e-9);  // all at the pace of one
  EXPECT_GE(slow.dpsgd, slow.ssgd);
  EXPECT_NEAR(*slow.ad_psgd, 7.1, 0.01);  // nobody waits
  EXPECT_FALSE(straggle(*make_topology("ring", {.workers = 3}), 10, 0, 1).ad_psgd);
}

TEST(Stragglers, ErrorsSayWhatIsWrong) {
  const auto ring = make_topology("ring", {.workers = 3});
  const auto error = [&](const Pace& pace, double seconds) {
    return error_of<UsageError>([&] { asynchronous_steps(*ring, pace, seconds, 1); });
  };
  EXPECT_EQ(error({.step_seconds = {1, 1}}, 1), "3 workers need as many paces, got 2");
  EXPECT_EQ(error({.step_seconds = {1, 0, 1}}, 1), "a step must take more than 0 seconds, got 0");
  EXPECT_EQ(error({.step_seconds = {1, 1, 1}, .message_seconds = -1}, 1),
            "a message must take at least 0 seconds, got -1");
  EXPECT_EQ(error({.step_seconds = {1, 1, 1}}, 0), "the time must be above 0 seconds, got 0");
  EXPECT_EQ(error({.step_seconds = {1, 1, 1}}, std::numeric_limits<double>::infinity()),
            "the time must be above 0 seconds, got inf");
  EXPECT_EQ(error({.step_seconds = {1, 1, 1}}, 1),
            "the graph has a cycle of odd length, so no active and passive side");
}

}  // namespace
}  // namespace valley::stragglers_test
