#pragma once

#include <string>
#include <vector>

namespace valley {

/// Points of groups that are told apart by colour.
struct ScatterPanel {
  struct Point {
    double x, y;   ///< left out if not finite
    size_t group;  ///< an index of `groups`
  };
  std::string title;
  std::string x_label;
  std::vector<Point> points;
};

/// Panels in rows of four with one y axis and one legend: SVG, for any browser or document. An x
/// axis is logarithmic where all of its values are above 0 and the largest is 20 times the least.
/// Panels without points are left out. Colours as in curves_svg().
std::string scatter_svg(const std::string& title, const std::string& y_label,
                        const std::vector<std::string>& groups,
                        const std::vector<ScatterPanel>& panels);

}  // namespace valley
