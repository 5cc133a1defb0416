#pragma once

#include <string>
#include <utility>
#include <vector>

/// What the pictures of this room share.
namespace valley {

/// Colours that stay apart for the colour-blind (Okabe and Ito).
inline constexpr const char* kPictureColours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                  "#e69f00", "#56b4e9", "#000000"};

/// The beginning of a picture: the root element and a white ground. Ends with "</svg>".
std::string svg_begin(double width, double height);

/// `text` with &, < and > as SVG writes them.
std::string svg_escaped(const std::string& text);

/// A text element; `anchor` is start, middle or end, `more` further attributes.
std::string svg_text(double x, double y, const char* anchor, const std::string& content,
                     const char* more = "");

/// An axis from data to pixels, with ticks at round numbers.
class PictureAxis {
 public:
  enum class Ends {
    kRound,  ///< the axis ends at ticks
    kExact,  ///< where the data end
  };
  PictureAxis(double low, double high, double from, double to, bool logarithmic = false,
              Ends ends = Ends::kRound);

  double pixel(double value) const { return at(scale(value)); }

  /// (pixel, label)
  std::vector<std::pair<double, std::string>> ticks() const;

 private:
  double scale(double value) const;
  double at(double scaled) const {
    return from_ + (scaled - low_) / (high_ - low_) * (to_ - from_);
  }

  double low_, high_, step_, from_, to_;
  bool logarithmic_;
};

}  // namespace valley
