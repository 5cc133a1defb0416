#include "valley/instruments/landscape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/runs/testing/tiny_run.h"
#include "valley/runs/train_run.h"

namespace valley::landscape_test {
namespace {

FinishedRun train(const std::string& out, int64_t seed) {
  RunConfig config = tiny_run(out);
  config.seed = seed;
  train_or_resume(config, "");
  return FinishedRun::open(out);
}

TEST(Landscape, HasTheAverageInItsMiddle) {
  const TestFolder folder;
  const FinishedRun run = train((folder / "run").string(), 5);
  const LandscapeOptions options{
      .plane = PlaneKind::kSpread, .points = 3, .batch_norm = BatchNormAt::kModel, .samples = 30};
  Landscape landscape(run, options, 1);
  const double extent = landscape.extent();
  EXPECT_GT(extent, 0);
  const Survey survey = landscape.survey(extent);
  EXPECT_EQ(survey.axis, (std::vector<double>{-extent, 0, extent}));
  ASSERT_EQ(survey.stands.size(), 4u);
  EXPECT_EQ(survey.stands[0].name, "average");
  EXPECT_NEAR(survey.loss[1][1], survey.stands[0].loss, 1e-6);
  const auto& loss = survey.loss;
  EXPECT_GT((loss[0][0] + loss[0][2] + loss[2][0] + loss[2][2]) / 4, loss[1][1]);
  double farthest = 0;
  for (const auto& stand : survey.stands) {
    farthest = std::max({farthest, std::abs(stand.at.x), std::abs(stand.at.y)});
  }
  EXPECT_DOUBLE_EQ(extent, 2 * farthest);

  const Json json = to_json(survey);
  EXPECT_EQ(json["plane"], "spread");
  EXPECT_EQ(json["samples"], 30);
  EXPECT_EQ(json["points"][3]["name"], "worker 2");
  EXPECT_EQ(json["loss"][1][1], survey.loss[1][1]);
  EXPECT_THAT(landscape_svg(survey), testing::HasSubstr(">dppf: training loss<"));
  EXPECT_EQ(landscape_file(PlaneKind::kSpread), "landscape-spread");
  EXPECT_EQ(Landscape(run, {.plane = PlaneKind::kRandom}, 1).extent(), 1);
}

TEST(Landscape, IsCutBetweenTwoRuns) {
  const TestFolder folder;
  const FinishedRun a = train((folder / "a").string(), 5), b = train((folder / "b").string(), 6);
  const Line line = cut(a, b, {.points = 7, .batch_norm = BatchNormAt::kModel, .samples = 30}, 1);
  EXPECT_EQ(line.t, (std::vector<double>{-0.25, 0, 0.25, 0.5, 0.75, 1, 1.25}));
  EXPECT_EQ(line.loss[1], line.loss_at_ends[0]);
  EXPECT_EQ(line.loss[5], line.loss_at_ends[1]);
  EXPECT_GT(line.distance, 0);
  for (size_t i = 2; i < 5; ++i) {
    const double chord = (1 - line.t[i]) * line.loss[1] + line.t[i] * line.loss[5];
    EXPECT_LE(line.loss[i] - chord, line.barrier + 1e-12);
  }
  EXPECT_EQ(to_json(line)["to"], b.folder());
  EXPECT_THAT(line_svg(line), testing::HasSubstr("From " + a.folder() + " to " + b.folder()));
}

TEST(Landscape, RefusesWhatMakesNoSense) {
  const auto error = [](const LandscapeOptions& options) {
    return error_of<UsageError>([&] { check(options); });
  };
  EXPECT_EQ(error({.points = 1}), "points must be at least 2, got 1");
  EXPECT_EQ(error({.through = {1}}), "through: plane average takes 2 workers, got 1");
  EXPECT_EQ(error({.plane = PlaneKind::kRandom, .through = {1}}),
            "through: plane random takes no workers, got 1");
}

}  // namespace
}  // namespace valley::landscape_test
