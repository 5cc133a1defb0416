#include "valley/picture/curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "valley/picture/svg.h"

namespace valley {
namespace {

constexpr double kPanelWidth = 380, kPanelHeight = 260;
constexpr double kPanelLeft = 58, kPanelRight = 14, kPanelTop = 34, kPanelBottom = 44;
constexpr double kCurvesHeader = 34, kCurvesLegendLine = 20;

using Points = std::vector<std::pair<double, double>>;

Points usable(const Curve& curve, bool logarithmic) {
  Points points;
  for (const auto& [x, y] : curve.points) {
    if (std::isfinite(x) && std::isfinite(y) && (!logarithmic || y > 0)) points.emplace_back(x, y);
  }
  return points;
}

std::string draw_panel(const Panel& panel, double left, double top,
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
  const double right = left + kPanelWidth - kPanelRight, bottom = top + kPanelHeight - kPanelBottom;
  const double inner_left = left + kPanelLeft, inner_top = top + kPanelTop;
  const PictureAxis x_axis(x_low, x_high, inner_left, right, false);
  const PictureAxis y_axis(y_low, y_high, bottom, inner_top, panel.logarithmic);

  std::string svg =
      svg_text((inner_left + right) / 2, top + 20, "middle", panel.title, " font-weight=\"bold\"");
  for (const auto& [y, label] : y_axis.ticks()) {
    svg +=
        fmt::format("<path d=\"M{:.1f} {:.1f}H{:.1f}\" stroke=\"#ddd\"/>\n", inner_left, y, right);
    svg += svg_text(inner_left - 6, y + 4, "end", label);
  }
  for (const auto& [x, label] : x_axis.ticks()) {
    svg += fmt::format("<path d=\"M{:.1f} {:.1f}v4\" stroke=\"#888\"/>\n", x, bottom);
    svg += svg_text(x, bottom + 17, "middle", label);
  }
  svg += svg_text((inner_left + right) / 2, bottom + 36, "middle", panel.x_label);
  svg += fmt::format("<path d=\"M{:.1f} {:.1f}H{:.1f}\" stroke=\"#888\"/>\n", inner_left, bottom,
                     right);
  for (const auto& curve : panel.curves) {
    const Points points = usable(curve, panel.logarithmic);
    if (points.empty()) continue;
    const auto place = std::find(labels.begin(), labels.end(), curve.label) - labels.begin();
    const char* colour = picture_colour(static_cast<size_t>(place)).light;
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
  const double legend_top = kCurvesHeader + kPanelHeight + 8;
  const double height = legend_top + kCurvesLegendLine * static_cast<double>(labels.size()) + 12;
  std::string svg = svg_begin(width, height);
  svg += svg_text(width / 2, 24, "middle", title, " font-size=\"15\" font-weight=\"bold\"");
  for (size_t i = 0; i < drawn.size(); ++i) {
    svg += draw_panel(*drawn[i], static_cast<double>(i) * kPanelWidth, kCurvesHeader, labels);
  }
  for (size_t i = 0; i < labels.size(); ++i) {
    const double y = legend_top + kCurvesLegendLine * static_cast<double>(i);
    svg += fmt::format("<path d=\"M{:.1f} {:.1f}h26\" stroke=\"{}\" stroke-width=\"2.5\"/>\n",
                       kPanelLeft, y + 6, picture_colour(i).light);
    svg += svg_text(kPanelLeft + 34, y + 10, "start", labels[i]);
  }
  return svg + "</svg>\n";
}

}  // namespace valley
