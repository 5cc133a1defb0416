#pragma once

#include <string>
#include <utility>
#include <vector>

namespace valley {

/// Points joined by a line.
struct Curve {
  std::string label;  ///< curves of one label share a colour and one place in the legend
  std::vector<std::pair<double, double>>
      points;  ///< (x, y); those that are not finite are left out
  bool dashed = false;
};

/// One diagram.
struct Panel {
  std::string title;
  std::string x_label;
  std::vector<Curve> curves;
  bool logarithmic = false;  ///< y axis; points at or below 0 are left out
};

/// A picture of panels side by side with one legend: SVG, for any browser or document. Panels
/// without points are left out. Colours of svg.h.
std::string curves_svg(const std::string& title, const std::vector<Panel>& panels);

}  // namespace valley
