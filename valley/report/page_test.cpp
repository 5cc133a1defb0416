#include "valley/report/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "valley/core/testing/test_folder.h"
#include "valley/report/assets.h"
#include "valley/report/test_runs.h"

namespace valley::page_test {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Escape, HtmlText) {
  EXPECT_EQ(escape_html("a < b & \"c\" > d ± e"), "a &lt; b &amp; &quot;c&quot; &gt; d ± e");
}

TEST(Escape, JsonThatCannotEndItsScript) {
  const Json value = {{"name", "</script><!--"}};
  const std::string text = script_json(value);
  EXPECT_EQ(text, "{\"name\":\"\\u003c/script>\\u003c!--\"}");
  EXPECT_EQ(Json::parse(text), value);
}

TEST(FillIn, OnePass) {
  EXPECT_EQ(fill_in("<@A@|@B@>", {{"A", "@B@"}, {"B", "x"}}), "<@B@|x>");
  EXPECT_EQ(fill_in("plain", {}), "plain");
  EXPECT_EQ(error_of<std::logic_error>([] {
              fill_in("@C@", {{"A", ""}});
            }),
            "the page has no part 'C'");
  EXPECT_EQ(error_of<std::logic_error>([] {
              fill_in("a@b", {{"b", ""}});
            }),
            "the page has no part 'b'");
}

TEST(Assets, AreThereAndCannotEndTheirElements) {
  EXPECT_THAT(page_html(), testing::StartsWith("<!doctype html>\n"));
  EXPECT_THAT(page_html(), testing::EndsWith("</html>\n"));
  EXPECT_THAT(page_css(), testing::StartsWith(":root {"));
  EXPECT_THAT(page_js(), testing::StartsWith("// The report, elements"));
  ASSERT_TRUE(has_plotly()) << "scripts/setup.sh fetches Plotly.js";
  EXPECT_THAT(std::string(plotly_js().substr(0, 40)), HasSubstr("plotly.js v"));
  for (const auto script : {page_js(), plotly_js()}) {
    EXPECT_EQ(script.find("</script"), std::string_view::npos);
    EXPECT_EQ(script.find("<!--"), std::string_view::npos);
  }
  EXPECT_EQ(page_css().find("</style"), std::string_view::npos);
}

TEST(ReportData, GroupsWithFiguresAndRuns) {
  std::vector<ReportRun> runs = {test_run("ssgd", 0, 0.8), test_run("ssgd", 1, 0.9)};
  runs[1].landscapes = {{{"x", {1, 2}}}};
  const Json data = report_data(runs);
  EXPECT_EQ(data["title"], "lenet on blobs, 4 workers");
  ASSERT_EQ(data["groups"].size(), 1);
  EXPECT_EQ(data["groups"][0]["label"], "ssgd");
  EXPECT_EQ(data["groups"][0]["runs"], Json({0, 1}));
  EXPECT_EQ(data["groups"][0]["finished"], 2);
  EXPECT_EQ(data["groups"][0]["figures"]["test_accuracy"]["count"], 2);
  EXPECT_DOUBLE_EQ(data["groups"][0]["figures"]["test_accuracy"]["mean"], 0.85);
  EXPECT_FALSE(data["groups"][0]["figures"].contains("test_loss"));
  EXPECT_FALSE(data["runs"][0].contains("landscapes"));
  EXPECT_EQ(data["runs"][1]["landscapes"], runs[1].landscapes);
  EXPECT_EQ(data["runs"][0]["settings"][0], Json({"algorithm", "ssgd"}));
  EXPECT_THAT(data["runs"][0]["config"].get<std::string>(), HasSubstr("push = 0.5\n"));
}

TEST(ReportData, TitleOfAMixture) {
  const std::vector<ReportRun> runs = {
      test_run("ssgd", 0, 0.8),
      with_setting(test_run("dppf", 0, 0.9), "model", std::string("vgg16"))};
  EXPECT_EQ(report_data(runs)["title"], "2 models on blobs, 4 workers");
  EXPECT_EQ(report_data(runs, {.title = "mine"})["title"], "mine");
}

TEST(ReportPage, HoldsAllAndLoadsNothing) {
  const std::vector<ReportRun> runs = {test_run("ssgd", 0, 0.8)};
  const std::string page = report_page(runs, {.title = "<b>&"});
  EXPECT_THAT(page, HasSubstr("<h1>&lt;b&gt;&amp;</h1>"));
  EXPECT_THAT(page, HasSubstr("to 80.00 % on the test set"));
  EXPECT_THAT(page, Not(HasSubstr("<script src")));
  EXPECT_THAT(page, Not(HasSubstr("<link rel=\"stylesheet")));
  EXPECT_THAT(page, Not(HasSubstr("@DATA@")));
  EXPECT_EQ(page, report_page(runs, {.title = "<b>&"}));
}

}  // namespace
}  // namespace valley::page_test
