#include "valley/instruments/duality.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/runs/testing/tiny_run.h"
#include "valley/runs/train_run.h"

namespace valley::duality_instrument_test {
namespace {

const FinishedRun& tiny() {
  static const TestFolder folder;
  static const FinishedRun run = [] {
    RunConfig config = tiny_run((folder / "run").string());
    config.model = "mlp-4-3";
    train_or_resume(config, "");
    return FinishedRun::open(config.out);
  }();
  return run;
}

// However many directions are asked for, they and the rest are the gap. Where the loss does not
// bend at all, as along all logits together, Lanczos sees one direction for several.
TEST(DualityOfARun, DirectionsAndTheRestAreTheGapOfThePairs) {
  const DualityResult all = measure_duality(tiny(), {.directions = 30, .samples = 0}, 1);
  const DualityResult few = measure_duality(tiny(), {.directions = 3, .samples = 0}, 1);
  EXPECT_EQ(all.layer, "fc3");
  EXPECT_EQ(all.weights, 30);
  EXPECT_EQ(all.pairs + all.left_out, 40);
  EXPECT_GT(all.directions.size(), 20);
  EXPECT_NE(all.gap, 0);
  EXPECT_EQ(few.directions.size(), 3);
  for (const DualityResult& result : {all, few}) {
    double sum = result.rest;
    for (const GapDirection& one : result.directions) sum += one.contribution;
    EXPECT_NEAR(sum, result.gap, 1e-9);
    EXPECT_NEAR(result.gap, all.gap, 1e-9);
    EXPECT_GE(result.directions[0].eigenvalue, result.directions[1].eigenvalue);
  }
  EXPECT_NEAR(few.directions[0].eigenvalue, all.directions[0].eigenvalue,
              1e-3 * std::abs(all.directions[0].eigenvalue));
  const Json json = to_json(few);
  EXPECT_EQ(json["directions"].size(), 3);
  EXPECT_EQ(json["gap"], few.gap);
}

TEST(DualityOfARun, ByNameAndWhatIsWrong) {
  EXPECT_EQ(measure_duality(tiny(), {.layer = "fc2", .samples = 20}, 1).weights, 12);
  EXPECT_EQ(error_of<UsageError>([] { measure_duality(tiny(), {.layer = "conv"}, 1); }),
            "layer: no dense layer with a bias is called 'conv'; there are fc1, fc2, fc3");
  EXPECT_EQ(error_of<UsageError>([] { measure_duality(tiny(), {.directions = 0}, 1); }),
            "directions must be at least 1, got 0");
}

}  // namespace
}  // namespace valley::duality_instrument_test
