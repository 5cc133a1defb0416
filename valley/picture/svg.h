#pragma once

#include <cstddef>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

/// What the pictures of this room share.
namespace valley {

/// A colour on a light and on a dark page.
struct PictureColour {
  const char* light;
  const char* dark;
};

/// Colours that stay apart for the colour-blind (after Okabe and Ito), dark enough for a thin line.
/// A picture that has no dark page takes the light ones.
inline constexpr PictureColour kPictureColours[] = {
    {"#0072b2", "#58b0e3"}, {"#d55e00", "#f08a4b"}, {"#009e73", "#41c79c"}, {"#b5538c", "#e39cc6"},
    {"#c78500", "#f0bd4f"}, {"#3d9bd1", "#a3d5f5"}, {"#5b6470", "#aeb7c2"}};

/// The colour of the i-th of several things; they begin anew after the last.
constexpr const PictureColour& picture_colour(size_t i) {
  return kPictureColours[i % std::size(kPictureColours)];
}

/// The root element, which ends with "</svg>"; `attributes` begin with a blank.
std::string svg_root(double width, double height, const std::string& attributes);

/// The root of a picture in one font, and a white ground.
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
