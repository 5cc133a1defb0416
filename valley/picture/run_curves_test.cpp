#include "valley/picture/run_curves.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "valley/core/atomic_file.h"
#include "valley/core/testing/test_folder.h"
#include "valley/picture/testing/count.h"
#include "valley/record/metrics.h"
#include "valley/record/run_folder.h"
#include "valley/record/score_record.h"

namespace valley::run_curves_test {
namespace {

// A round, the epoch of two workers and an evaluation, twice.
void record(const std::filesystem::path& folder, bool meets, const ScoreSheet& sheet) {
  std::filesystem::create_directories(folder);
  MetricsWriter metrics(folder / RunFolder::kMetrics);
  for (const double epoch : {1.0, 2.0}) {
    if (meets) {
      metrics.append({{"worker", nullptr},
                      {"epoch", epoch},
                      {"distances", {1.0, 2.0}},
                      {"valley_width", 1.5},
                      {"predicted_width", 2.0}});
    }
    for (const int worker : {0, 1}) {
      metrics.append({{"worker", worker}, {"epoch", epoch}, {"loss", 1 / epoch + worker}});
    }
    Json evaluation = {{"worker", nullptr}, {"epoch", epoch}};
    evaluation[score_key("test", sheet.main())] = epoch / 4;
    add_sheet(evaluation, sheet);
    metrics.append(evaluation);
  }
}

TEST(RunCurves, EveryRunHasItsLinesAndColour) {
  const TestFolder folder;
  record(folder / "a", true, classification_scores());
  record(folder / "b", false, classification_scores());
  write_curves(folder.path().string(), "two",
               {{"dppf", (folder / "a").string()}, {"ssgd", (folder / "b").string()}});
  const std::string svg = read_file(folder / "curves.svg");
  EXPECT_EQ(count(svg, "stroke=\"#0072b2\" stroke-width=\"1.8\""), 5u);  // 2 losses, 3 of averages
  EXPECT_EQ(count(svg, "stroke=\"#d55e00\" stroke-width=\"1.8\""), 3u);  // no rounds: no width
  EXPECT_EQ(count(svg, "stroke-dasharray"), 1u);
  for (const char* text :
       {">two<", ">dppf<", ">ssgd<", ">loss of the workers<", ">test accuracy of the average<"}) {
    EXPECT_EQ(count(svg, text), 1u) << text;
  }
}

// Runs of two tasks have a panel each.
TEST(RunCurves, TheScoreIsTheHeadlineOfTheTask) {
  const TestFolder folder;
  const ScoreSheet squares = {
      .task = "squares", .scores = {{.name = "loss"}, {.name = "mean_error"}}, .headline = 1};
  record(folder / "a", false, squares);
  record(folder / "b", false, classification_scores());
  write_curves(folder.path().string(), "two",
               {{"dppf", (folder / "a").string()}, {"ssgd", (folder / "b").string()}});
  const std::string svg = read_file(folder / "curves.svg");
  EXPECT_EQ(count(svg, ">test mean error of the average<"), 1u);
  EXPECT_EQ(count(svg, ">test accuracy of the average<"), 1u);
}

}  // namespace
}  // namespace valley::run_curves_test
