#include "valley/train/gauge_observer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <sstream>

#include "valley/core/testing/test_folder.h"
#include "valley/train/testing/small_training.h"

namespace valley::gauge_observer_test {
namespace {

std::string content(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST(Gauges, AreWhatTheRunCameTo) {
  const TestFolder folder;
  TrainOptions options = small_options("dppf");
  options.steps = 8;
  set(options.algorithm_options.settings(), "period", "2");
  options.out = folder / "run";
  options.metrics_file = folder / "a.prom";
  std::filesystem::create_directories(options.out);
  const Summary summary = train({.workers = 2, .options = options}).summaries.front();
  const std::string text = content(folder / "a.prom");
  const std::string label = "{run=\"" + options.out + "\"} ";
  for (const auto& [name, value] : {std::pair("steps", std::string("8")),
                                    {"steps_wanted", "8"},
                                    {"workers", "2"},
                                    {"rounds", "4"},
                                    {"over", "1"},
                                    {"test_loss", fmt::format("{}", summary.test.loss())}}) {
    EXPECT_THAT(text, testing::HasSubstr(fmt::format("\nvalley_{}{}{}\n", name, label, value)));
  }
  EXPECT_THAT(text, testing::HasSubstr("# TYPE valley_seconds counter\nvalley_seconds{run=\"" +
                                       options.out + "\",phase=\"compute\"} "));
  // Every line is a comment or a sample, as the format has them.
  const std::regex sample(
      "valley_[a-z_0-9]+\\{run=\"[^\"]*\"(,phase=\"[a-z]+\")?\\} [-+0-9.e]+|nan"),
      comment("# (HELP valley_[a-z_0-9]+ .+|TYPE valley_[a-z_0-9]+ (gauge|counter))");
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    EXPECT_TRUE(std::regex_match(line, line[0] == '#' ? comment : sample)) << line;
}

}  // namespace
}  // namespace valley::gauge_observer_test
