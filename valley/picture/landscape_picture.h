#pragma once

#include <string>
#include <vector>

namespace valley {

/// A loss surface over a rectangle, seen from above, and what stands on it.
struct LandscapePicture {
  struct Mark {
    std::string name;  ///< "average", "worker 0"; the first mark is drawn larger
    double x = 0, y = 0;
  };

  std::string title = {};
  std::string x_label = {}, y_label = {};
  std::vector<double> x = {}, y = {};          ///< ascending, at least two each
  std::vector<std::vector<double>> loss = {};  ///< [y][x]; what is not finite stays blank
  std::vector<Mark> marks = {};                ///< those outside are left out
};

/// The picture as SVG: bands between lines of equal loss, spaced evenly, or evenly in the logarithm
/// where the loss spans more than a factor of 3; a scale; the marks with their names. Both axes
/// have the same unit length if `x` and `y` do.
std::string landscape_svg(const LandscapePicture& picture);

}  // namespace valley
