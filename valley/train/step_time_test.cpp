#include "valley/train/step_time.h"

#include <gtest/gtest.h>

#include <cmath>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"

namespace valley::step_time_test {
namespace {

constexpr double kFraming = 1514.0 / 1448.0;
constexpr int64_t kParameters = 1'000'000;  // 4 MB
// Seconds of a core for all of them, and a byte.
constexpr double kPass = 1.3e-3, kCoding = 3e-3, kLate = 3e-3, kMoving = 1.2e-9;

RunConfig config(const std::string& algorithm, int64_t workers,
                 const std::vector<std::pair<std::string, SettingValue>>& settings = {}) {
  RunConfig c;
  c.algorithm = algorithm;
  c.workers = workers;
  for (const auto& [key, value] : settings) set(c, key, value);
  return c;
}

TEST(StepTime, OneWorkerTalksToNobody) {
  const StepTime time = step_time(config("dppf", 1), {kParameters}, {0.1, 0.5}, {});
  EXPECT_EQ(time.total(), 0.1);
  EXPECT_EQ(time.wire_bytes, 0);
}

TEST(StepTime, ARingOfAll) {
  // 4 workers send 2 * 3/4 of 4 MB in 7 turns, every 16th step.
  const StepTime time = step_time(config("local-sgd", 4, {{"period", "16"}}), {kParameters}, {0.1},
                                  {.bits_per_second = 1e8, .latency = 0.01});
  const double bytes = (6e6 + 3 * 64) * kFraming;
  EXPECT_NEAR(time.wire_bytes, bytes / 16, 1e-6);
  EXPECT_NEAR(time.communicate, (bytes * 8 / 1e8 + 7 * 0.01 + kPass) / 16, 1e-12);
  EXPECT_EQ(time.hidden, 0);
  EXPECT_EQ(time.wait, 0);
}

// An all-reduce of its own for each vector: AdamW's two, none of SGD without momentum.
TEST(StepTime, WhatOptimizersRememberTravelsWhereItIsAveraged) {
  const auto with = [](const char* optimizer, double momentum) {
    return step_time(config("local-sgd", 4,
                            {{"period", "16"},
                             {"optimizer-state", "average"},
                             {"optimizer", optimizer},
                             {"momentum", momentum}}),
                     {kParameters}, {0.1}, {.bits_per_second = 1e8, .latency = 0.01});
  };
  const double bytes = (6e6 + 3 * 64) * kFraming;
  EXPECT_NEAR(with("sgd", 0).wire_bytes, bytes / 16, 1e-6);
  EXPECT_NEAR(with("sgd", 0.9).wire_bytes, 2 * bytes / 16, 1e-6);
  EXPECT_NEAR(with("adamw", 0).wire_bytes, 3 * bytes / 16, 1e-6);
  EXPECT_NEAR(with("adamw", 0).communicate, (3 * (bytes * 8 / 1e8 + 7 * 0.01) + kPass) / 16, 1e-12);
}

// As `valley bench` counts it: to the owners of the slices, and from them to all.
TEST(StepTime, AWireSendsItsPayloadLikeAnAllReduce) {
  const StepTime time = step_time(config("dppf", 4, {{"period", "16"}, {"wire", "bf16"}}),
                                  {kParameters}, {0.1}, {.bits_per_second = 1e8});
  EXPECT_NEAR(time.wire_bytes, (2 * 0.75 * 2 * double(kParameters) + 2 * 3 * 64) * kFraming / 16,
              1e-6);
}

TEST(StepTime, AWireIsCoded) {
  const auto with = [](const char* wire) {
    return step_time(config("dppf", 2, {{"period", "4"}, {"wire", wire}}), {kParameters}, {0.1},
                     {.bits_per_second = 1e15});
  };
  EXPECT_NEAR(with("none").communicate, kPass / 4, 1e-6);
  EXPECT_NEAR(with("bf16").communicate, (kPass + kCoding) / 4, 1e-6);
}

// A matrix of 1000 x 900 as 4 (1000 + 900) values, the rest as it is; in two all-reduces.
TEST(StepTime, PowersgdSendsFactors) {
  const RunConfig c = config("dppf", 4, {{"period", "16"}, {"wire", "powersgd-4"}});
  const Network network{kParameters, {{1000, 900}, {1, 100'000}}};
  const StepTime time = step_time(c, network, {0.1}, {.bits_per_second = 1e8, .latency = 0.01});
  const double bytes = (1.5 * (7600 + 100'000) * 4 + 2 * 3 * 64) * kFraming;
  EXPECT_NEAR(time.wire_bytes, bytes / 16, 1e-6);
  EXPECT_NEAR(time.communicate, (bytes * 8 / 1e8 + 14 * 0.01 + kPass) / 16, 1e-12);
  EXPECT_EQ(error_of<UsageError>([&] { step_time(c, {kParameters}, {0.1}, {}); }),
            "wire powersgd-4 sends factors of matrices: give shapes, the rows and columns of the "
            "layers");
}

// What a worker hands in goes to each of the others, in one turn.
TEST(StepTime, SomeGather) {
  const Link link{.bits_per_second = 1e8, .latency = 0.01};
  const StepTime votes = step_time(config("sparsign", 4), {kParameters}, {0.1}, link);
  EXPECT_NEAR(votes.wire_bytes, (3 * 250'000 + 3 * 64) * kFraming, 3 * 8 * kFraming);
  EXPECT_NEAR(votes.communicate, votes.wire_bytes * 8 / 1e8 + 2 * 0.01, 1e-12);
  const StepTime shuffled =
      step_time(config("wash", 4, {{"exchange-share", 0.1}}), {kParameters}, {0.1}, link);
  EXPECT_NEAR(shuffled.wire_bytes, (3 * 400'000 + 3 * 64) * kFraming, 1e-6);
  const StepTime replicas =
      step_time(config("dppf", 4, {{"period", "1"}, {"compress-rounds", "sign"}}), {kParameters},
                {0.1}, link);
  EXPECT_NEAR(replicas.wire_bytes, 3 * 125'000 * kFraming, 1e-2 * replicas.wire_bytes);
}

TEST(StepTime, NeighboursDoNotCareHowManyTheOthersAre) {
  const auto ring = [](int64_t workers) {
    return step_time(config("dpsgd", workers, {{"topology", "ring"}, {"mixing", "atc"}}),
                     {kParameters}, {0.1}, {.bits_per_second = 1e8});
  };
  EXPECT_NEAR(ring(16).wire_bytes, (8e6 + 15 * 64) * kFraming, 1e-6);
  // But for the headers, which all send to all.
  EXPECT_NEAR(ring(100'000).wire_bytes, (8e6 + 99'999 * 64.0) * kFraming, 1e-3);
}

TEST(StepTime, WhatTravelsWhileTheWorkerComputesIsHidden) {
  const Link link{.bits_per_second = 1e9};
  const double seconds = (4e6 + 64) * kFraming * 8 / 1e9;  // 33 ms
  const StepTime ssgd = step_time(config("ssgd", 2), {kParameters}, {0.04}, link);
  EXPECT_NEAR(ssgd.hidden, 0.02, 1e-12);
  const double moving = 0.02 / seconds * 4e6 * kMoving;
  EXPECT_NEAR(ssgd.communicate, seconds - 0.02 + moving, 1e-9);
  const StepTime delayed = step_time(config("dppf", 2, {{"period", "8"}, {"delay", int64_t{2}}}),
                                     {kParameters}, {0.01}, link);
  EXPECT_NEAR(delayed.hidden, 0.02 / 8, 1e-12);
  EXPECT_NEAR(delayed.communicate, (seconds - 0.02 + moving + kPass + kLate) / 8, 1e-9);
}

TEST(StepTime, FragmentsAreRoundsOfTheirOwn) {
  const auto bytes = [](int64_t fragments) {
    return step_time(config("dppf", 2, {{"period", "8"}, {"fragments", fragments}}), {kParameters},
                     {0.1}, {})
        .wire_bytes;
  };
  EXPECT_NEAR(bytes(4), bytes(1) + 3 * 64 * kFraming / 8, 1e-6);
}

TEST(StepTime, AllWaitForTheSlowest) {
  const StepTime time = step_time(config("dppf", 100, {{"period", "16"}}), {kParameters},
                                  {.seconds = 0.1, .spread = 0.2}, {});
  EXPECT_NEAR(time.wait, 0.2 * 0.1 * 4 / 16 * largest_normal(100), 1e-12);
}

// The means of the largest of n standard normals, from tables.
TEST(StepTime, TheLargestOfNormals) {
  EXPECT_EQ(largest_normal(1), 0);
  EXPECT_NEAR(largest_normal(2), 0.5642, 0.05 * 0.5642);
  EXPECT_NEAR(largest_normal(10), 1.5388, 0.01 * 1.5388);
  EXPECT_NEAR(largest_normal(100), 2.5076, 0.01 * 2.5076);
  EXPECT_NEAR(largest_normal(1000), 3.2414, 0.01 * 3.2414);
}

TEST(StepTime, ThePeriodThatLeavesFivePercent) {
  const LocalStep local{0.1};
  const Link link{.bits_per_second = 1e8};
  const RunConfig here = config("dppf", 8, {{"period", "4"}});
  const int64_t period = *period_for_share(here, {kParameters}, local, link, 0.05);
  const auto share = [&](int64_t tau) {
    const RunConfig c = config("dppf", 8, {{"period", std::to_string(tau)}});
    return step_time(c, {kParameters}, local, link).communicate / 0.1;
  };
  EXPECT_LE(share(period), 0.05);
  EXPECT_GT(share(period - 1), 0.05);
  EXPECT_FALSE(period_for_share(config("ssgd", 8), {kParameters}, local, link, 0.05));
}

TEST(StepTime, EveryMethodHasOne) {
  for (const AlgorithmEntry& entry : algorithms()) {
    for (const int64_t workers : {2, 8}) {
      RunConfig c = config(entry.name, workers);
      if (entry.defaults.has("lazy")) set(c, "lazy", true);
      const StepTime time = step_time(c, {kParameters}, {0.1}, {});
      EXPECT_TRUE(std::isfinite(time.total())) << entry.name;
      EXPECT_GT(time.wire_bytes, 0) << entry.name;
    }
  }
}

TEST(StepTime, RefusesWhatCannotBe) {
  const RunConfig c = config("dppf", 2);
  EXPECT_THROW(step_time(c, {0}, {0.1}, {}), UsageError);
  EXPECT_THROW(step_time(c, {1}, {0}, {}), UsageError);
  EXPECT_THROW(step_time(c, {1}, {0.1, 2}, {}), UsageError);
  EXPECT_THROW(step_time(c, {1}, {0.1}, {.bits_per_second = 0}), UsageError);
  EXPECT_THROW(step_time(c, {1}, {0.1}, {.latency = -1}), UsageError);
}

}  // namespace
}  // namespace valley::step_time_test
