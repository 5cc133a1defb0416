#include "valley/picture/scatter_picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "valley/picture/svg.h"

namespace valley {
namespace {

constexpr size_t kColumns = 4;
constexpr double kScatterWidth = 250, kScatterHeight = 230;  // of a panel
constexpr double kScatterLeft = 62, kScatterGap = 16, kScatterTop = 30, kScatterBottom = 48;
constexpr double kScatterHeader = 36, kScatterLegendLine = 20;

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

bool drawable(const ScatterPanel::Point& p) { return std::isfinite(p.x) && std::isfinite(p.y); }

std::string draw_scatter(const ScatterPanel& panel, double left, double top,
                         const PictureAxis& y_axis, bool labelled) {
  const double right = left + kScatterWidth - kScatterGap,
               bottom = top + kScatterHeight - kScatterBottom;
  Range range;
  for (const auto& point : panel.points) {
    if (drawable(point)) range.add(point.x);
  }
  const bool logarithmic = range.low > 0 && range.high > 20 * range.low;
  const PictureAxis x_axis(range.low, range.high, left + 8, right - 8, logarithmic,
                           PictureAxis::Ends::kExact);
  std::string svg =
      svg_text((left + right) / 2, top + 18, "middle", panel.title, " font-weight=\"bold\"");
  for (const auto& [y, label] : y_axis.ticks()) {
    svg +=
        fmt::format("<path d=\"M{:.1f} {:.1f}H{:.1f}\" stroke=\"#ddd\"/>\n", left, top + y, right);
    if (labelled) svg += svg_text(left - 6, top + y + 4, "end", label);
  }
  double free_from = -std::numeric_limits<double>::infinity();
  for (const auto& [x, label] : x_axis.ticks()) {
    svg += fmt::format("<path d=\"M{:.1f} {:.1f}v4\" stroke=\"#888\"/>\n", x, bottom);
    const double half = 3.6 * static_cast<double>(label.size());  // labels do not touch
    if (x - half < free_from) continue;
    svg += svg_text(x, bottom + 16, "middle", label);
    free_from = x + half + 6;
  }
  svg += fmt::format("<path d=\"M{:.1f} {:.1f}H{:.1f}\" stroke=\"#888\"/>\n", left, bottom, right);
  svg += svg_text((left + right) / 2, bottom + 34, "middle", panel.x_label);
  for (const auto& point : panel.points) {
    if (!drawable(point)) continue;
    svg += fmt::format(
        "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\" fill=\"{}\" fill-opacity=\"0.75\"/>\n",
        x_axis.pixel(point.x), top + y_axis.pixel(point.y), picture_colour(point.group).light);
  }
  return svg;
}

}  // namespace

std::string scatter_svg(const std::string& title, const std::string& y_label,
                        const std::vector<std::string>& groups,
                        const std::vector<ScatterPanel>& panels) {
  std::vector<const ScatterPanel*> drawn;
  Range range;
  for (const auto& panel : panels) {
    if (std::none_of(panel.points.begin(), panel.points.end(), drawable)) continue;
    drawn.push_back(&panel);
    for (const auto& point : panel.points) {
      if (drawable(point)) range.add(point.y);
    }
  }
  if (drawn.empty()) range = {.low = 0, .high = 1};
  const size_t columns = std::clamp<size_t>(drawn.size(), 1, kColumns);
  const size_t rows = (drawn.size() + columns - 1) / columns;
  const double width = kScatterLeft + static_cast<double>(columns) * kScatterWidth;
  const double legend_top = kScatterHeader + static_cast<double>(rows) * kScatterHeight + 8;
  const double height = legend_top + kScatterLegendLine * static_cast<double>(groups.size()) + 8;
  // Within a panel, from its top.
  const PictureAxis y_axis(range.low, range.high, kScatterHeight - kScatterBottom, kScatterTop);

  std::string svg = svg_begin(width, height);
  svg += svg_text(width / 2, 22, "middle", title, " font-size=\"15\" font-weight=\"bold\"");
  for (size_t i = 0; i < drawn.size(); ++i) {
    const size_t column = i % columns;
    const double top = kScatterHeader + static_cast<double>(i / columns) * kScatterHeight;
    if (column == 0) {
      const double y = top + (kScatterTop + kScatterHeight - kScatterBottom) / 2;
      svg += svg_text(16, y, "middle", y_label,
                      fmt::format(" transform=\"rotate(-90 16 {:.1f})\"", y).c_str());
    }
    svg += draw_scatter(*drawn[i], kScatterLeft + static_cast<double>(column) * kScatterWidth, top,
                        y_axis, column == 0);
  }
  for (size_t g = 0; g < groups.size(); ++g) {
    const double y = legend_top + kScatterLegendLine * static_cast<double>(g);
    svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4.5\" fill=\"{}\"/>\n",
                       kScatterLeft + 6, y + 6, picture_colour(g).light);
    svg += svg_text(kScatterLeft + 18, y + 10, "start", groups[g]);
  }
  return svg + "</svg>\n";
}

}  // namespace valley
