#include "valley/picture/landscape_picture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "valley/picture/testing/count.h"

namespace valley::landscape_picture_test {
namespace {

LandscapePicture bowl(double offset) {
  LandscapePicture picture{.title = "a & b", .x_label = "to <0>", .y_label = "up"};
  for (int i = -5; i <= 5; ++i) picture.x.push_back(i), picture.y.push_back(i);
  for (const double y : picture.y) {
    picture.loss.emplace_back();
    for (const double x : picture.x) picture.loss.back().push_back(offset + x * x + y * y);
  }
  picture.marks = {{"average", 0, 0}, {"worker 0", 3, 4}, {"far", 9, 0}};
  return picture;
}

TEST(LandscapeSvg, HasBandsScaleMarksAndNames) {
  const std::string svg = landscape_svg(bowl(1));
  EXPECT_TRUE(svg.starts_with("<svg "));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  EXPECT_EQ(count(svg, "stroke-width=\".6\""), 12u);  // bands
  EXPECT_EQ(count(svg, "<circle "), 2u);              // what is outside is left out
  EXPECT_EQ(count(svg, ">far<"), 0u);
  for (const char* part : {">average<", ">worker 0<", ">a &amp; b<", ">to &lt;0&gt;<", ">up<",
                           ">loss (log)<", ">1<", ">51<"}) {
    EXPECT_EQ(count(svg, part), 1u) << part;
  }
  EXPECT_EQ(count(svg, "nan"), 0u);
  EXPECT_EQ(count(landscape_svg(bowl(30)), ">loss<"), 1u);
}

TEST(LandscapeSvg, LinesOfEqualLossAreWhereTheLossIs) {
  LandscapePicture picture{.x = {0, 1, 2, 3, 4}, .y = {0, 1}};
  picture.loss = {{0, 3, 6, 9, 12}, {0, 3, 6, 9, 12}};
  const std::string svg = landscape_svg(picture);
  // Band 1 begins at loss 1, a twelfth of the way across: 66 + 420 / 12. Two rows of cells, whose
  // lower and upper ends there are three places, one of them in both rows.
  EXPECT_EQ(count(svg, "M101.0 "), 2u);
  EXPECT_EQ(count(svg, "L101.0 "), 2u);
  EXPECT_EQ(count(svg, "M136.0 ") + count(svg, "L136.0 "), 4u);
}

TEST(LandscapeSvg, WhatIsNotFiniteStaysBlank) {
  LandscapePicture picture = bowl(1);
  picture.loss[0][0] = std::numeric_limits<double>::quiet_NaN();
  picture.loss[10][10] = std::numeric_limits<double>::infinity();
  const std::string svg = landscape_svg(picture);
  EXPECT_EQ(count(svg, "nan"), 0u);
  EXPECT_EQ(count(svg, "inf"), 0u);
  EXPECT_EQ(count(svg, "stroke-width=\".6\""), 12u);
}

TEST(LandscapeSvg, AFlatLandIsDrawnToo) {
  LandscapePicture picture = bowl(1);
  for (auto& row : picture.loss) row.assign(row.size(), 2.0);
  EXPECT_EQ(count(landscape_svg(picture), "nan"), 0u);
}

// Two points a little apart, the lower one to the left: each name is nearest to its own dot, and
// none lies on another or leaves the frame.
TEST(LandscapeSvg, NamesStandBesideTheirOwnDots) {
  LandscapePicture picture{.title = "T",
                           .x_label = "x",
                           .y_label = "y",
                           .x = {-1, 1},
                           .y = {-1, 1},
                           .loss = {{1, 2}, {3, 4}},
                           .marks = {{"average", 0, 0},
                                     {"worker 0", 0.05, 0.03},
                                     {"worker 1", -0.04, -0.05},
                                     {"worker 2", 0.98, 0.98}}};
  const std::string svg = landscape_svg(picture);
  // The number of the attribute that follows `from`.
  const auto number = [&](size_t from, const std::string& attribute) {
    return std::stod(svg.substr(svg.find(attribute + "=\"", from) + attribute.size() + 2));
  };
  std::vector<std::pair<double, double>> dots;
  for (size_t at = svg.find("<circle"); at != std::string::npos; at = svg.find("<circle", at + 1))
    dots.emplace_back(number(at, "cx"), number(at, "cy"));
  ASSERT_EQ(dots.size(), 4u);
  std::vector<std::array<double, 4>> boxes;  // left, top, right, bottom
  for (const auto& mark : picture.marks) {
    const size_t end = svg.find(">" + mark.name + "<");
    ASSERT_NE(end, std::string::npos) << mark.name;
    const size_t at = svg.rfind("<text", end);
    const double width = 7.0 * static_cast<double>(mark.name.size());
    const double x = number(at, " x"), y = number(at, " y");
    const std::string element = svg.substr(at, end - at);
    const bool ends = element.find("\"end\"") != std::string::npos;
    const bool middle = element.find("\"middle\"") != std::string::npos;
    const double left = x - (ends ? width : middle ? width / 2 : 0);
    boxes.push_back({left, y - 10, left + width, y + 3});
  }
  for (size_t i = 0; i < boxes.size(); ++i) {
    const auto away = [&](size_t dot) {
      const double dx =
          std::max({boxes[i][0] - dots[dot].first, dots[dot].first - boxes[i][2], 0.0});
      const double dy =
          std::max({boxes[i][1] - dots[dot].second, dots[dot].second - boxes[i][3], 0.0});
      return std::hypot(dx, dy);
    };
    for (size_t j = 0; j < boxes.size(); ++j) {
      if (i == j) continue;
      EXPECT_LT(away(i), away(j)) << i << " and " << j;
      const double w = std::min(boxes[i][2], boxes[j][2]) - std::max(boxes[i][0], boxes[j][0]);
      const double h = std::min(boxes[i][3], boxes[j][3]) - std::max(boxes[i][1], boxes[j][1]);
      EXPECT_FALSE(w > 0 && h > 0) << i << " and " << j;
    }
  }
}

}  // namespace
}  // namespace valley::landscape_picture_test
