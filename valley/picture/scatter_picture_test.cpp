#include "valley/picture/scatter_picture.h"

#include <gtest/gtest.h>

#include <cmath>

#include "valley/picture/testing/count.h"

namespace valley::scatter_picture_test {
namespace {

TEST(Scatter, PointsOfAGroupShareItsColour) {
  const std::string svg = scatter_svg("a < b", "gap", {"lr 0.1", "lr 0.2"},
                                      {{"T", "measure", {{0, 0, 0}, {10, 1, 1}, {5, 0.5, 1}}}});
  EXPECT_EQ(count(svg, "r=\"3.5\" fill=\"#0072b2\""), 1u);
  EXPECT_EQ(count(svg, "r=\"3.5\" fill=\"#d55e00\""), 2u);
  for (const char* text : {">lr 0.1<", ">lr 0.2<", ">measure<", ">gap<", ">T<", "a &lt; b"}) {
    EXPECT_EQ(count(svg, text), 1u) << text;
  }
  // x from 8 inside the panel's left (62) to 8 inside its right (296), y from 218 up to 66.
  EXPECT_NE(svg.find("cx=\"70.0\" cy=\"218.0\""), std::string::npos) << svg;
  EXPECT_NE(svg.find("cx=\"288.0\" cy=\"66.0\""), std::string::npos) << svg;
  EXPECT_NE(svg.find("cx=\"179.0\" cy=\"142.0\""), std::string::npos) << svg;
}

TEST(Scatter, WideRangesAreLogarithmic) {
  const std::string svg =
      scatter_svg("T", "y", {}, {{"t", "x", {{0.01, 0, 0}, {1, 1, 0}, {0.1, 0, 0}}}});
  EXPECT_NE(svg.find("cx=\"179.0\" cy=\"218.0\""), std::string::npos) << svg;
}

TEST(Scatter, PanelsWrapAndEmptyOnesAreLeftOut) {
  std::vector<ScatterPanel> panels(6, {"t", "x", {{1, 2, 0}, {2, 3, 0}}});
  panels[2] = {"empty", "x", {{std::nan(""), 1, 0}}};
  const std::string svg = scatter_svg("T", "y", {"all"}, panels);
  EXPECT_EQ(count(svg, ">t<"), 5u);
  EXPECT_EQ(count(svg, ">y<"), 2u);  // two rows
  EXPECT_EQ(svg.find(">empty<"), std::string::npos);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(scatter_svg("T", "y", {}, {}).find("inf"), std::string::npos);
}

}  // namespace
}  // namespace valley::scatter_picture_test
