#include "valley/train/grid.h"

#include <gtest/gtest.h>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"

namespace valley::grid_test {
namespace {

std::string error_of_axes(const std::vector<ConfigAxis>& axes, const RunConfig& shared = {}) {
  return error_of<UsageError>([&] { expand_grid(shared, axes, "study.toml"); });
}

TEST(ExpandGrid, HasEveryCombinationTheLastAxisFastest) {
  RunConfig shared;
  shared.optimizer.momentum = 0.5;
  const auto runs = expand_grid(
      shared, {{"lr", {0.1, int64_t{1}}}, {"model", {std::string("a/net.pt"), std::string("mlp")}}},
      "study.toml");
  ASSERT_EQ(runs.size(), 4u);
  EXPECT_EQ(runs[0].name, "lr=0.1,model=a_net.pt");
  EXPECT_EQ(runs[1].name, "lr=0.1,model=mlp");
  EXPECT_EQ(runs[3].name, "lr=1,model=mlp");
  EXPECT_EQ(runs[1].place, (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(runs[2].place, (std::vector<int64_t>{1, 0}));
  EXPECT_EQ(runs[2].config.learning_rate.base, 1);
  EXPECT_EQ(runs[2].config.model, "a/net.pt");
  EXPECT_EQ(runs[2].config.optimizer.momentum, 0.5);
}

TEST(ExpandGrid, RefusesBeforeAnythingRuns) {
  EXPECT_EQ(error_of_axes({{"out", {std::string("x")}}}), "study.toml: [grid] 'out' cannot vary");
  const std::vector<ConfigValue> hundred(100, int64_t{1});
  EXPECT_EQ(error_of_axes({{"seed", hundred}, {"epochs", hundred}, {"period", hundred}}),
            "study.toml: [grid] has more than 10000 runs");
  EXPECT_EQ(error_of_axes({{"learning-rate", {0.1}}}).rfind("study.toml: unknown key", 0), 0u)
      << error_of_axes({{"learning-rate", {0.1}}});
  EXPECT_EQ(error_of_axes({{"momentum", {0.5, 1.5}}}),
            "study.toml: momentum=1.5: momentum must be in [0, 1), got 1.5");
  EXPECT_EQ(error_of_axes({{"lr", {0.5, 0.5}}}),
            "study.toml: two runs of the grid would be called lr=0.5");
}

}  // namespace
}  // namespace valley::grid_test
