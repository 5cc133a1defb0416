#include "valley/instruments/dynamics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/instruments/dynamics_probe.h"
#include "valley/record/metrics.h"
#include "valley/runs/testing/tiny_run.h"
#include "valley/runs/train_run.h"

namespace valley::dynamics_test {
namespace {

// A probe after the last step says what is read off the folder afterwards.
TEST(Dynamics, OfAFinishedRunAreThoseThatItsLastProbeSaw) {
  const TestFolder folder;
  RunConfig config = tiny_run((folder / "run").string());
  config.epochs = 1;  // 5 steps
  config.probe = 5;
  config.probe_draws = 3;
  config.probe_samples = 60;
  const Summary summary =
      train_or_resume(config, "", {.begin = [] { return JobContext{.make_probe = make_probe}; }});
  ASSERT_EQ(summary.steps, 5);
  ASSERT_EQ(summary.probes.count, 1);
  Json probe;
  for (const Json& record : read_metrics(folder / "run/metrics.jsonl")) {
    if (record.contains("probe")) probe = record["probe"];
  }

  const FinishedRun run = FinishedRun::open(config.out);
  const DynamicsResult result = measure_dynamics(run, {.samples = 60, .seed = 5, .draws = 3}, 1);
  EXPECT_EQ(result.examples, 60);
  EXPECT_FALSE(result.alignment);
  EXPECT_EQ(result.rounds, 1);
  ASSERT_FALSE(result.curves.empty());
  EXPECT_EQ(result.curves[0].name, "valley width");
  const auto expect_near = [&](double value, const char* place) {
    EXPECT_NEAR(value, probe.at(Json::json_pointer(place)).get<double>(), 1e-4 * std::abs(value))
        << place;
  };
  expect_near(result.spread.figures.consensus_distance, "/consensus_distance");
  expect_near(result.spread.losses[2], "/losses/2");
  expect_near(result.gradient.norm, "/gradient_norm");
  ASSERT_TRUE(result.rate && result.smoothed);
  expect_near(result.rate->figures.parts.rate.value, "/effective_rate/alpha_e_over_alpha/value");
  expect_near(result.smoothed->figures.smoothed_loss->value, "/smoothed/smoothed_loss/value");

  const Json json = to_json(result);
  EXPECT_EQ(json["gradient"]["norm"], result.gradient.norm);
  EXPECT_EQ(json["spread"]["distances"].size(), 3u);
  EXPECT_EQ(json["notes"], Json::array());
  EXPECT_GT(json["effective_rate"]["passes"], 0);
}

TEST(Dynamics, HoldTheGapsAgainstTheSharpestDirections) {
  const TestFolder folder;
  RunConfig config = tiny_run((folder / "run").string());
  config.epochs = 1;
  train_or_resume(config, "", {});
  const DynamicsResult result = measure_dynamics(FinishedRun::open(config.out),
                                                 {.samples = 60, .draws = 2, .eigenvectors = 3}, 1);
  ASSERT_TRUE(result.alignment);
  const Alignment& a = result.alignment->figures;
  EXPECT_EQ(a.sharp.values.size(), 3u);
  EXPECT_EQ(a.of_workers.size(), result.spread.losses.size());
  for (const double share : a.of_workers) EXPECT_TRUE(share >= 0 && share <= 1.000001) << share;
  EXPECT_LE(a.bend_of_workers[0], a.sharp.values[0] * 1.01);
  EXPECT_EQ(to_json(result)["alignment"]["eigenvalues"].size(), 3u);
}

TEST(Dynamics, RefuseWhatMakesNoSense) {
  EXPECT_EQ(error_of<UsageError>([] { check(DynamicsOptions{.draws = 1}); }),
            "draws must be at least 2, got 1");
  EXPECT_EQ(error_of<UsageError>([] { check(DynamicsOptions{.sigma = NAN}); }),
            "sigma must be at least 0, got nan");
}

}  // namespace
}  // namespace valley::dynamics_test
