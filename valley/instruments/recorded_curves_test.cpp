#include "valley/instruments/recorded_curves.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace valley::recorded_curves_test {
namespace {

TEST(Curves, OfRounds) {
  const std::vector<Json> metrics = {
      {{"step", 3}, {"worker", 0}, {"loss", 2}},
      Json::parse(R"({"step": 4, "worker": "mean", "round": 1, "pull": 0.5, "push": 2,
                      "predicted_width": 4, "distances": [1, 3], "valley_width": 2})"),
      Json::parse(R"({"step": 6, "worker": "mean", "test_loss": 1, "valley_width": 2.5})"),
      Json::parse(R"({"step": 8, "worker": "mean", "round": 2, "pull": 0.5, "push": 1,
                      "predicted_width": 2, "distances": [2, null], "valley_width": 2})")};
  EXPECT_EQ(recorded_rounds(metrics), 2);
  EXPECT_EQ(last_forces(metrics).pull, 0.5);
  EXPECT_EQ(last_forces(metrics).push, 1);
  const auto curves = dynamics_curves(metrics);
  const auto first = [&](const std::string& name) {
    for (const auto& curve : curves) {
      if (curve.name != name) continue;
      EXPECT_EQ(curve.x, (std::vector<double>{4, 8})) << name;
      return curve.y[0];
    }
    ADD_FAILURE() << name;
    return 0.0;
  };
  EXPECT_EQ(first("valley width"), 2);
  EXPECT_EQ(first("nearest worker"), 1);
  EXPECT_EQ(first("farthest worker"), 3);
  EXPECT_EQ(first("predicted width"), 4);
  EXPECT_EQ(first("pull length"), 1);
  EXPECT_EQ(first("push length"), 2);
  EXPECT_EQ(first("potential V"), 0.25 * (1 + 9) - 2 * (1 + 3));
  EXPECT_EQ(first("lowest possible V"), -8);
  EXPECT_EQ(curves.size(), 8u);
}

TEST(Curves, WithoutRoundsAreTheEvaluations) {
  const std::vector<Json> metrics = {
      Json::parse(R"({"step": 6, "worker": "mean", "test_loss": 1, "valley_width": 2.5})")};
  const auto curves = dynamics_curves(metrics);
  ASSERT_EQ(curves.size(), 1u);
  EXPECT_EQ(curves[0].x, std::vector<double>{6});
  EXPECT_EQ(curves[0].y, std::vector<double>{2.5});
  EXPECT_EQ(last_forces(metrics).pull, 0);
  EXPECT_TRUE(dynamics_curves({}).empty());
}

TEST(Curves, AreThinnedEvenly) {
  DynamicsCurve curve{"c", "p", "u", {}, {}};
  for (int i = 0; i < 9; ++i) curve.x.push_back(i), curve.y.push_back(10 * i);
  const DynamicsCurve few = thinned(curve, 3);
  EXPECT_EQ(few.x, (std::vector<double>{0, 4, 8}));
  EXPECT_EQ(few.y, (std::vector<double>{0, 40, 80}));
  EXPECT_EQ(thinned(curve, 9).x, curve.x);
}

TEST(ProbeCurves, AreWhatTheProbesRecorded) {
  EXPECT_TRUE(probe_curves({{{"step", 3}, {"loss", 1.0}}}).empty());
  Json first = {{"consensus_distance", 1.5}, {"angle_mean", 100.0}}, second = first;
  second["effective_rate"] = {{"alpha_e_over_alpha", {{"value", 0.5}}}};
  second["angle_mean"] = nullptr;
  const auto curves = probe_curves({{{"step", 3}, {"probe", first}},
                                    {{"step", 5}, {"test_loss", 1.0}},
                                    {{"step", 6}, {"probe", second}}});
  ASSERT_EQ(curves.size(), 3u);
  EXPECT_EQ(curves[0].name, "consensus distance");
  EXPECT_EQ(curves[0].x, (std::vector<double>{3, 6}));
  EXPECT_EQ(curves[0].y, (std::vector<double>{1.5, 1.5}));
  EXPECT_EQ(curves[0].at, "probes");
  EXPECT_EQ(curves[1].name, "mean angle");
  EXPECT_TRUE(std::isnan(curves[1].y[1]));
  EXPECT_EQ(curves[2].name, "alpha_e / alpha");
  EXPECT_TRUE(std::isnan(curves[2].y[0]));
  EXPECT_EQ(curves[2].y[1], 0.5);
  EXPECT_EQ(thinned(curves[0], 2).at, "probes");
}

}  // namespace
}  // namespace valley::recorded_curves_test
