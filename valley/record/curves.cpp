#include "valley/record/curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace valley {
namespace {

constexpr double kPanelWidth = 380, kPanelHeight = 260;
constexpr double kLeft = 58, kRight = 14, kTop = 34, kBottom = 44;
constexpr double kHeader = 34, kLegendLine = 20;

constexpr const char* kColours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                    "#e69f00", "#56b4e9", "#000000"};

std::string escape(const std::string& text) {
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

// An axis from data to pixels, with ticks at round numbers.
class Axis {
 public:
  Axis(double low, double high, double from, double to, bool logarithmic)
      : from_(from), to_(to), logarithmic_(logarithmic) {
    low_ = scale(low);
    high_ = scale(high);
    if (high_ - low_ < 1e-12) {
      const double half = std::max(0.5 * std::abs(low_), 0.5);
      low_ -= half;
      high_ += half;
    }
    step_ = round_step((high_ - low_) / 5);
    low_ = std::floor(low_ / step_ + 1e-9) * step_;
    high_ = std::ceil(high_ / step_ - 1e-9) * step_;
  }

  double pixel(double value) const { return at(scale(value)); }

  // (pixel, label)
  std::vector<std::pair<double, std::string>> ticks() const {
    std::vector<std::pair<double, std::string>> result;
    const auto count = static_cast<int>(std::lround((high_ - low_) / step_));
    for (int i = 0; i <= count; ++i) {
      const double value = low_ + i * step_;
      const double shown = logarithmic_ ? std::pow(10, value) : value;
      result.emplace_back(at(value), fmt::format("{:.3g}", std::abs(shown) < 1e-12 ? 0 : shown));
    }
    return result;
  }

 private:
  static double round_step(double rough) {
    const double power = std::pow(10, std::floor(std::log10(rough)));
    for (const double factor : {1.0, 2.0, 5.0}) {
      if (factor * power >= rough * 0.999) return factor * power;
    }
    return 10 * power;
  }

  double scale(double value) const { return logarithmic_ ? std::log10(value) : value; }
  double at(double scaled) const {
    return from_ + (scaled - low_) / (high_ - low_) * (to_ - from_);
  }

  double low_ = 0, high_ = 0, step_ = 1, from_, to_;
  bool logarithmic_;
};

using Points = std::vector<std::pair<double, double>>;

Points usable(const Curve& curve, bool logarithmic) {
  Points points;
  for (const auto& [x, y] : curve.points) {
    if (std::isfinite(x) && std::isfinite(y) && (!logarithmic || y > 0)) points.emplace_back(x, y);
  }
  return points;
}

std::string text(double x, double y, const char* anchor, const std::string& content,
                 const char* more = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y,
                     anchor, more, escape(content));
}

std::string draw(const Panel& panel, double left, double top,
                 const std::vector<std::string>& labels) {
  double x_low = std::numeric_limits<double>::infinity(), x_high = -x_low;
  double y_low = x_low, y_high = -x_low;
  for (const auto& curve : panel.curves) {
    for (const auto& [x, y] : usable(curve, panel.logarithmic)) {
      x_low = std::min(x_low, x);
      x_high = std::max(x_high, x);
      y_low = std::min(y_low, y);
      y_high = std::max(y_high, y);
    }
  }
  const double right = left + kPanelWidth - kRight, bottom = top + kPanelHeight - kBottom;
  const double inner_left = left + kLeft, inner_top = top + kTop;
  const Axis x_axis(x_low, x_high, inner_left, right, false);
  const Axis y_axis(y_low, y_high, bottom, inner_top, panel.logarithmic);

  std::string svg =
      text((inner_left + right) / 2, top + 20, "middle", panel.title, " font-weight=\"bold\"");
  for (const auto& [y, label] : y_axis.ticks()) {
    svg +=
        fmt::format("<path d=\"M{:.1f} {:.1f}H{:.1f}\" stroke=\"#ddd\"/>\n", inner_left, y, right);
    svg += text(inner_left - 6, y + 4, "end", label);
  }
  for (const auto& [x, label] : x_axis.ticks()) {
    svg += fmt::format("<path d=\"M{:.1f} {:.1f}v4\" stroke=\"#888\"/>\n", x, bottom);
    svg += text(x, bottom + 17, "middle", label);
  }
  svg += text((inner_left + right) / 2, bottom + 36, "middle", panel.x_label);
  svg += fmt::format("<path d=\"M{:.1f} {:.1f}H{:.1f}\" stroke=\"#888\"/>\n", inner_left, bottom,
                     right);
  for (const auto& curve : panel.curves) {
    const Points points = usable(curve, panel.logarithmic);
    if (points.empty()) continue;
    const auto place = std::find(labels.begin(), labels.end(), curve.label) - labels.begin();
    const char* colour = kColours[static_cast<size_t>(place) % std::size(kColours)];
    std::string path;
    for (const auto& [x, y] : points) {
      path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", x_axis.pixel(x),
                          y_axis.pixel(y));
    }
    svg += fmt::format(
        "<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.8\" stroke-linejoin=\"round\""
        "{}/>\n",
        path, colour, curve.dashed ? " stroke-dasharray=\"6 4\"" : "");
    if (points.size() == 1) {
      svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\" fill=\"{}\"/>\n",
                         x_axis.pixel(points[0].first), y_axis.pixel(points[0].second), colour);
    }
  }
  return svg;
}

}  // namespace

std::string curves_svg(const std::string& title, const std::vector<Panel>& panels) {
  std::vector<const Panel*> drawn;
  std::vector<std::string> labels;
  for (const auto& panel : panels) {
    bool any = false;
    for (const auto& curve : panel.curves) {
      if (usable(curve, panel.logarithmic).empty()) continue;
      any = true;
      if (std::find(labels.begin(), labels.end(), curve.label) == labels.end()) {
        labels.push_back(curve.label);
      }
    }
    if (any) drawn.push_back(&panel);
  }
  const double width = std::max<double>(1, static_cast<double>(drawn.size())) * kPanelWidth;
  const double legend_top = kHeader + kPanelHeight + 8;
  const double height = legend_top + kLegendLine * static_cast<double>(labels.size()) + 12;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
      "height=\"{1:.0f}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
      width, height);
  svg += text(width / 2, 24, "middle", title, " font-size=\"15\" font-weight=\"bold\"");
  for (size_t i = 0; i < drawn.size(); ++i) {
    svg += draw(*drawn[i], static_cast<double>(i) * kPanelWidth, kHeader, labels);
  }
  for (size_t i = 0; i < labels.size(); ++i) {
    const double y = legend_top + kLegendLine * static_cast<double>(i);
    svg += fmt::format("<path d=\"M{:.1f} {:.1f}h26\" stroke=\"{}\" stroke-width=\"2.5\"/>\n",
                       kLeft, y + 6, kColours[i % std::size(kColours)]);
    svg += text(kLeft + 34, y + 10, "start", labels[i]);
  }
  return svg + "</svg>\n";
}

}  // namespace valley
