#include "valley/train/scaling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"

namespace valley::scaling_test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

RunConfig base(const std::string& algorithm = "dppf") {
  RunConfig config;
  config.algorithm = algorithm;
  config.workers = 8;
  config.batch_size = 32;
  config.learning_rate.base = 0.25;
  set(config, "period", std::string("16"));
  return config;
}

std::string period_of(RunConfig& config) {
  for (const Setting& setting : settings_of(config))
    if (setting.key == "period") return std::get<std::string>(setting.get());
  return "";
}

// The learning rate that passes between two rounds stays.
TEST(Scaling, RateTimesPeriodStays) {
  std::vector<std::string> changes;
  RunConfig linear = scaled(base(), {.workers = 2}, ScaleRule::kLinear, changes);
  EXPECT_EQ(linear.learning_rate.base, 1);
  EXPECT_EQ(period_of(linear), "4");
  EXPECT_THAT(changes, ElementsAre("lr 0.25 becomes 1", "period 16 becomes 4"));
  RunConfig root = scaled(base(), {.workers = 2}, ScaleRule::kSquareRoot, changes);
  EXPECT_EQ(root.learning_rate.base, 0.5);
  EXPECT_EQ(period_of(root), "8");
}

TEST(Scaling, WhatIsOfARoundStays) {
  std::vector<std::string> changes;
  RunConfig config = base();
  RunConfig other = scaled(config, {.workers = 2}, ScaleRule::kLinear, changes);
  const auto before = settings_of(config), after = settings_of(other);
  for (size_t i = 0; i < before.size(); ++i) {
    if (before[i].key == "lr" || before[i].key == "period") continue;
    EXPECT_EQ(before[i].get(), after[i].get()) << before[i].key;
  }
}

TEST(Scaling, BatchesCountAsWorkersDo) {
  std::vector<std::string> changes;
  const RunConfig config =
      scaled(base(), {.workers = 8, .batch_size = 16}, ScaleRule::kLinear, changes);
  EXPECT_EQ(config.learning_rate.base, 0.5);
  changes.clear();
  const RunConfig same =
      scaled(base(), {.workers = 16, .batch_size = 16}, ScaleRule::kLinear, changes);
  EXPECT_THAT(changes, IsEmpty());
  EXPECT_EQ(same.learning_rate.base, 0.25);
}

TEST(Scaling, StepsSeeAsManyExamples) {
  RunConfig config = base("ssgd");
  config.steps = 1000;
  config.learning_rate.warmup_steps = 50;
  std::vector<std::string> changes;
  config = scaled(config, {.workers = 2}, ScaleRule::kSquareRoot, changes);
  EXPECT_EQ(config.steps, 250);
  EXPECT_EQ(config.learning_rate.warmup_steps, 13);
  EXPECT_THAT(changes, ElementsAre("lr 0.25 becomes 0.5", "steps 1000 becomes 250",
                                   "warmup-steps 50 becomes 13"));
}

TEST(Scaling, PeriodsOfOtherForms) {
  std::vector<std::string> changes;
  RunConfig config = base();
  set(config, "period", std::string("post-local:3:16"));
  config = scaled(config, {.workers = 2}, ScaleRule::kLinear, changes);
  EXPECT_EQ(period_of(config), "post-local:3:4");
  set(config = base(), "period", std::string("qsr:4:0.2"));
  config = scaled(config, {.workers = 2}, ScaleRule::kLinear, changes);
  EXPECT_EQ(period_of(config), "qsr:4:0.2");
  set(config = base(), "period", std::string("2"));
  config = scaled(config, {.workers = 1}, ScaleRule::kLinear, changes);
  EXPECT_EQ(period_of(config), "1");  // and never less
}

TEST(Scaling, TextsAreRead) {
  EXPECT_EQ(parse_scale_from("4").workers, 4);
  EXPECT_EQ(parse_scale_from("4x128").batch_size, 128);
  for (const char* wrong : {"", "0", "4x", "x4", "4x0", "4x2x1", "four"})
    EXPECT_EQ(
        error_of<UsageError>([&] { parse_scale_from(wrong); }),
        fmt::format("scale-from must be WORKERS or WORKERSxBATCH, numbers from 1 on, got '{}'",
                    wrong));
  EXPECT_EQ(parse_scale_rule("square-root"), ScaleRule::kSquareRoot);
  EXPECT_TRUE(error_of<UsageError>([] {
                parse_scale_rule("liner");
              }).starts_with("unknown scale rule 'liner'; did you mean 'linear'?"));
}

}  // namespace
}  // namespace valley::scaling_test
