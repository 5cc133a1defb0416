#include "valley/train/round_bench.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "valley/algorithms/table.h"
#include "valley/comm/backends.h"
#include "valley/core/error.h"

namespace valley::round_bench_test {
namespace {

RunConfig with(const std::string& algorithm, int workers) {
  RunConfig config;
  config.algorithm = algorithm;
  config.workers = workers;
  return resolved(config);
}

std::vector<RoundTimes> measure(const RunConfig& config, const std::string& backend,
                                const RoundBenchOptions& options) {
  std::vector<RoundTimes> of_first;
  run_group(find_backend(backend), static_cast<int>(config.workers), [&](Communicator& comm) {
    const auto all = bench_rounds(config, options, comm);
    if (comm.rank() == 0) of_first = all;
  });
  return of_first;
}

TEST(RoundBench, HasEverySizeAndGroup) {
  const auto all =
      measure(with("local-sgd", 3), "thread", {.parameters = {1000, 3000}, .turns = 2});
  std::vector<std::pair<int, int64_t>> what;
  for (const RoundTimes& times : all) what.emplace_back(times.workers, times.parameters);
  EXPECT_THAT(what, testing::ElementsAre(std::pair(2, 1000), std::pair(2, 3000), std::pair(3, 1000),
                                         std::pair(3, 3000)));
  for (const RoundTimes& times : all) {
    EXPECT_GT(times.round, 0);
    EXPECT_GT(times.all_reduce, 0);
    EXPECT_EQ(times.payload, 4 * times.parameters);
    EXPECT_FALSE(times.traffic);
    EXPECT_THAT(times.operations, testing::SizeIs(6));
  }
}

TEST(RoundBench, SeesWhatTravelsOverSockets) {
  const auto all = measure(with("local-sgd", 2), "gloo", {.parameters = {100'000}, .turns = 2});
  ASSERT_THAT(all, testing::SizeIs(1));
  ASSERT_TRUE(all[0].traffic);
  EXPECT_NEAR(all[0].traffic->sent, 400'000, 4'000);
  EXPECT_NEAR(all[0].traffic->acknowledged, all[0].traffic->sent, 4'000);
}

// Bytes of a round as the row has them, whatever the method: the others' rounds differ by worker.
TEST(RoundBench, TakesEveryMethodThatHasRounds) {
  constexpr int64_t kValues = 1000;
  for (const AlgorithmEntry& entry : algorithms()) {
    if (entry.asynchronous) continue;
    // Of four, a ring is none that d2 takes.
    const auto all = measure(with(entry.name, 3), "thread", {.parameters = {kValues}, .turns = 1});
    ASSERT_THAT(all, testing::SizeIs(2)) << entry.name;
    EXPECT_GT(all[1].payload, 0) << entry.name;
  }
}

}  // namespace
}  // namespace valley::round_bench_test
