#include "valley/picture/run_curves.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "valley/core/atomic_file.h"
#include "valley/core/testing/test_folder.h"
#include "valley/picture/testing/count.h"
#include "valley/record/metrics.h"
#include "valley/record/run_folder.h"

namespace valley::run_curves_test {
namespace {

// A round, the epoch of two workers and an evaluation, twice.
void record(const std::filesystem::path& folder, bool meets) {
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
    metrics.append({{"worker", nullptr}, {"epoch", epoch}, {"test_accuracy", epoch / 4}});
  }
}

TEST(RunCurves, EveryRunHasItsLinesAndColour) {
  const TestFolder folder;
  record(folder / "a", true);
  record(folder / "b", false);
  write_curves(folder.path().string(), "two",
               {{"dppf", (folder / "a").string()}, {"ssgd", (folder / "b").string()}});
  const std::string svg = read_file(folder / "curves.svg");
  EXPECT_EQ(count(svg, "stroke=\"#0072b2\" stroke-width=\"1.8\""), 5u);  // 2 losses, 3 of averages
  EXPECT_EQ(count(svg, "stroke=\"#d55e00\" stroke-width=\"1.8\""), 3u);  // no rounds: no width
  EXPECT_EQ(count(svg, "stroke-dasharray"), 1u);
  for (const char* text : {">two<", ">dppf<", ">ssgd<", ">loss of the workers<"}) {
    EXPECT_EQ(count(svg, text), 1u) << text;
  }
}

}  // namespace
}  // namespace valley::run_curves_test
