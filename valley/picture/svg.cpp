#include "valley/picture/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace valley {
namespace {

double round_step(double rough) {
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough * 0.999) return factor * power;
  }
  return 10 * power;
}

}  // namespace

std::string svg_root(double width, double height, const std::string& attributes) {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
      "height=\"{1:.0f}\"{2}>\n",
      width, height, attributes);
}

std::string svg_begin(double width, double height) {
  return svg_root(width, height, " font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\"") +
         "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n";
}

std::string svg_escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else {
      out += c;
    }
  }
  return out;
}

std::string svg_text(double x, double y, const char* anchor, const std::string& content,
                     const char* more) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y,
                     anchor, more, svg_escaped(content));
}

PictureAxis::PictureAxis(double low, double high, double from, double to, bool logarithmic,
                         Ends ends)
    : from_(from), to_(to), logarithmic_(logarithmic) {
  low_ = scale(low);
  high_ = scale(high);
  if (high_ - low_ < 1e-12) {
    const double half = std::max(0.5 * std::abs(low_), 0.5);
    low_ -= half;
    high_ += half;
  }
  step_ = round_step((high_ - low_) / 5);
  if (ends == Ends::kExact) return;
  low_ = std::floor(low_ / step_ + 1e-9) * step_;
  high_ = std::ceil(high_ / step_ - 1e-9) * step_;
}

std::vector<std::pair<double, std::string>> PictureAxis::ticks() const {
  std::vector<std::pair<double, std::string>> result;
  const double first = std::ceil(low_ / step_ - 1e-9) * step_;
  const auto count = static_cast<int>(std::floor((high_ - first) / step_ + 1e-9));
  for (int i = 0; i <= count; ++i) {
    const double value = first + i * step_;
    const double shown = logarithmic_ ? std::pow(10, value) : value;
    result.emplace_back(at(value), fmt::format("{:.3g}", std::abs(shown) < 1e-12 ? 0 : shown));
  }
  return result;
}

double PictureAxis::scale(double value) const { return logarithmic_ ? std::log10(value) : value; }

}  // namespace valley
