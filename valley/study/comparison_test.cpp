#include "valley/study/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace valley::comparison_test {
namespace {

RunConfig with_seed(int64_t seed) {
  RunConfig config;
  config.seed = seed;
  return config;
}

TEST(Comparison, HasMeanAndDeviationOverTheSeeds) {
  std::vector<std::string> titles;
  const auto train = [&](const RunConfig& config, const std::string& title) {
    titles.push_back(title);
    Summary summary;
    summary.test = {{{"loss", 1.0 + 2.0 * static_cast<double>(config.seed)}}};
    summary.seconds.total = 4;
    return summary;
  };
  const std::vector<Method> methods = {{"a", {with_seed(0), with_seed(1)}}, {"b", {with_seed(0)}}};
  const auto rows = compare_methods(methods, train);
  ASSERT_TRUE(rows);
  EXPECT_THAT(titles, testing::ElementsAre("a, seed 0", "a, seed 1", "b, seed 0"));
  EXPECT_EQ(named_runs(methods)[2].name, "b");
  const Json json = to_json(*rows)["methods"];
  EXPECT_EQ(json[0]["label"], "a");
  EXPECT_EQ(json[0]["mean"]["test_loss"], 2);
  EXPECT_DOUBLE_EQ(json[0]["standard_deviation"]["test_loss"].get<double>(), std::sqrt(2));
  EXPECT_EQ(json[0]["mean"]["seconds"], 4);
  EXPECT_EQ(json[1]["standard_deviation"]["test_loss"], 0);
  EXPECT_EQ(json[0]["runs"].size(), 2u);
  EXPECT_FALSE(json[0]["mean"].contains("seed"));
}

TEST(Comparison, EndsWithARunThatWasInterrupted) {
  int trained = 0;
  const auto train = [&](const RunConfig&, const std::string&) {
    ++trained;
    Summary summary;
    summary.status = RunState::Kind::kInterrupted;
    return summary;
  };
  EXPECT_FALSE(compare_methods({{"a", {with_seed(0), with_seed(1)}}}, train));
  EXPECT_EQ(trained, 1);
}

}  // namespace
}  // namespace valley::comparison_test
