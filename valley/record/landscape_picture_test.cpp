#include "valley/record/landscape_picture.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace valley {
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

size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++n;
  return n;
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

}  // namespace
}  // namespace valley
