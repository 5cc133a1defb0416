#include "valley/picture/curves.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "valley/picture/testing/count.h"

namespace valley::curves_test {
namespace {

TEST(Curves, AxesEndAtRoundNumbersAndLinesMeetThem) {
  const std::string svg = curves_svg(
      "T", {{.title = "loss", .x_label = "epoch", .curves = {{"a", {{0, 0}, {10, 1}}}}}});
  // The first panel's plot goes from x 58 to 366 and from y 250 up to 68.
  EXPECT_NE(svg.find("d=\"M58.0 250.0L366.0 68.0\""), std::string::npos) << svg;
  for (const char* label : {">0.2<", ">0.4<", ">1<", ">2<", ">10<", ">epoch<", ">loss<", ">T<"}) {
    EXPECT_NE(svg.find(label), std::string::npos) << label;
  }
}

TEST(Curves, LogarithmicAxisIsEvenInDecades) {
  const std::string svg = curves_svg("T", {{.title = "loss",
                                            .x_label = "",
                                            .curves = {{"a", {{0, 1}, {1, 0.1}, {2, 0.01}}}},
                                            .logarithmic = true}});
  EXPECT_NE(svg.find("d=\"M58.0 68.0L212.0 159.0L366.0 250.0\""), std::string::npos) << svg;
}

TEST(Curves, WhatCannotBeDrawnIsLeftOut) {
  const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  const std::string svg = curves_svg(
      "T",
      {{.title = "kept", .x_label = "", .curves = {{"a", {{0, nan}, {1, 2}, {2, infinity}}}}},
       {.title = "empty", .x_label = "", .curves = {{"b", {}}}},
       {.title = "negative", .x_label = "", .curves = {{"c", {{0, -1}}}}, .logarithmic = true}});
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
  EXPECT_NE(svg.find(">kept<"), std::string::npos);
  EXPECT_EQ(svg.find(">empty<"), std::string::npos);
  EXPECT_EQ(svg.find(">negative<"), std::string::npos);
  EXPECT_EQ(count(svg, "<circle"), 1u);  // a single point is a dot
}

TEST(Curves, CurvesOfOneLabelShareColourAndLegend) {
  const std::string svg = curves_svg("a < b", {{.title = "t",
                                                .x_label = "",
                                                .curves = {{"m", {{0, 0}, {1, 1}}},
                                                           {"m", {{0, 1}, {1, 2}}, true},
                                                           {"n", {{0, 2}, {1, 3}}}}}});
  EXPECT_EQ(count(svg, ">m<"), 1u);
  EXPECT_EQ(count(svg, "stroke=\"#0072b2\" stroke-width=\"1.8\""), 2u);
  EXPECT_EQ(count(svg, "stroke-dasharray"), 1u);
  EXPECT_NE(svg.find("a &lt; b"), std::string::npos);
}

}  // namespace
}  // namespace valley::curves_test
