#include "valley/picture/topology_picture.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <vector>

#include "valley/picture/svg.h"
#include "valley/picture/topology_layout.h"

namespace valley {
namespace topology_picture {
namespace {

constexpr size_t kColours = std::size(kPictureColours);

constexpr double kSide = 460, kSmallSide = 250;  // of a panel, alone or among others
constexpr double kMargin = 26, kHeader = 66, kPanelTitle = 24, kLegend = 34;
constexpr int kMostPanels = 6, kMostListedEdges = 96;

std::string colour_rules(bool dark) {
  std::string rules;
  for (size_t i = 0; i < kColours; ++i) {
    const char* colour = dark ? kPictureColours[i].dark : kPictureColours[i].light;
    rules += fmt::format(".k{0}{{stroke:{1}}}.a{0}{{fill:{1}}}\n", i, colour);
  }
  return rules;
}

std::string style() {
  return "<style>\n"
         ".page{fill:#ffffff}.text{fill:#1c2430}.quiet{fill:#5b6470}\n"
         ".edge{fill:none;stroke-linecap:round}.alone{opacity:.45}\n"
         ".node{fill:#24303f;stroke:#ffffff}.rank{fill:#ffffff}\n" +
         colour_rules(false) +
         "@media (prefers-color-scheme: dark){\n"
         ".page{fill:#14181f}.text{fill:#e8ecf1}.quiet{fill:#a3adb9}\n"
         ".node{fill:#e8ecf1;stroke:#14181f}.rank{fill:#14181f}\n" +
         colour_rules(true) + "}\n</style>\n";
}

// An arrow head for every colour: a head cannot take that of its line.
std::string heads(double size) {
  std::string defs = "<defs>\n";
  for (size_t i = 0; i < kColours; ++i) {
    defs += fmt::format(
        "<marker id=\"head{0}\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" "
        "markerWidth=\"{1:.1f}\" "
        "markerHeight=\"{1:.1f}\" markerUnits=\"userSpaceOnUse\" orient=\"auto-start-reverse\">"
        "<path class=\"a{0}\" d=\"M0 1L10 5L0 9L2.5 5z\"/></marker>\n",
        i, size);
  }
  return defs + "</defs>\n";
}

std::string text(double x, double y, const char* style_class, double size, const char* anchor,
                 const std::string& content, const char* more = "") {
  return fmt::format(
      "<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" font-size=\"{:g}\" text-anchor=\"{}\"{}>{}"
      "</text>\n",
      style_class, x, y, size, anchor, more, svg_escaped(content));
}

class Picture {
 public:
  Picture(const Topology& topology, const std::string& name)
      : topology_(topology), layout_(layout_of(topology, name.substr(0, name.find(':')))) {
    const int64_t cycle = topology.cycle();
    panels_ = static_cast<int>(cycle == 0 ? kMostPanels : std::min<int64_t>(cycle, kMostPanels));
    columns_ = panels_ <= 3 ? panels_ : panels_ == 4 ? 2 : 3;
    side_ = panels_ == 1 ? kSide : kSmallSide;
    double nearest = 2;
    for (size_t j = 0; j < layout_.positions.size(); ++j) {
      for (size_t k = 0; k < j; ++k) {
        nearest = std::min(nearest, length(layout_.positions[j] - layout_.positions[k]));
      }
    }
    const double most = panels_ == 1 ? 17 : 11;
    radius_ = std::clamp(0.3 * nearest * scale(most), 2.0, most);
    height_ = 2 * (layout_.tall * scale(radius_) + radius_ + 3);
    used_.assign(kColours, false);
  }

  std::string draw(const std::string& name, const std::string& caption) {
    std::string panels;
    const int rows = (panels_ + columns_ - 1) / columns_;
    const double top_title = panels_ > 1 ? kPanelTitle : 0;
    const double width = columns_ * side_ + (columns_ + 1) * kMargin;
    const double wide = std::max(width, kSide + 2 * kMargin);
    for (int i = 0; i < panels_; ++i) {
      const double left = (wide - width) / 2 + kMargin + (i % columns_) * (side_ + kMargin);
      const double top = kHeader + (i / columns_) * (height_ + top_title + kMargin / 2);
      if (panels_ > 1) {
        panels +=
            text(left + side_ / 2, top + 16, "quiet", 13, "middle", fmt::format("step {}", i));
      }
      panels += panel(i, {left + side_ / 2, top + top_title + height_ / 2});
    }
    double height = kHeader + rows * (height_ + top_title + kMargin / 2);
    const std::string keys = legend(wide / 2, height + 12);
    height += keys.empty() ? kMargin / 2 : kLegend;

    const std::string heading =
        fmt::format("{}, {} {}", name, n(), n() == 1 ? "worker" : "workers");
    return svg_root(wide, height,
                    " role=\"img\" aria-labelledby=\"title desc\" font-family=\"system-ui, "
                    "'Segoe UI', 'DejaVu Sans', sans-serif\"") +
           fmt::format("<title id=\"title\">{}</title>\n<desc id=\"desc\">{}</desc>\n",
                       svg_escaped(heading), svg_escaped(description())) +
           style() + heads(panels_ == 1 ? 11 : 8) +
           "<rect class=\"page\" width=\"100%\" height=\"100%\" rx=\"10\"/>\n" +
           text(wide / 2, 32, "text", 18, "middle", heading, " font-weight=\"600\"") +
           text(wide / 2, 53, "quiet", 12.5, "middle", caption) + panels + keys + "</svg>\n";
  }

 private:
  int n() const { return topology_.workers(); }
  // Pixels of a unit of the layout when the workers have this radius.
  double scale(double radius) const { return side_ / 2 - radius - 3; }

  struct Edge {
    int from, to;
    bool both;
  };

  // One for two workers that exchange. The longest come first, so that the others lie on top.
  std::vector<Edge> edges_of(const MixingMatrix& p) const {
    std::vector<Edge> edges;
    for (int j = 0; j < n(); ++j) {
      for (int k = 0; k < j; ++k) {
        const bool down = p(k, j) != 0, up = p(j, k) != 0;  // j sends to k, k sends to j
        if (down || up) edges.push_back(up ? Edge{k, j, down} : Edge{j, k, false});
      }
    }
    std::stable_sort(edges.begin(), edges.end(), [this](const Edge& a, const Edge& b) {
      return length(place(a.from) - place(a.to)) > length(place(b.from) - place(b.to)) + 1;
    });
    return edges;
  }

  std::string panel(int64_t step, Point centre) {
    const MixingMatrix p = topology_.matrix(step);
    double heaviest = 0;
    for (int j = 0; j < n(); ++j) {
      for (int k = 0; k < n(); ++k) {
        if (j != k) heaviest = std::max(heaviest, p(j, k));
      }
    }
    const double crowd = std::clamp(10 / std::sqrt(support(p).edges()), 0.2, 1.0);
    std::string svg =
        fmt::format("<g transform=\"translate({:.1f} {:.1f})\">\n", centre.x, centre.y);
    for (const Edge& e : edges_of(p)) {
      svg += edge(e, std::max(p(e.from, e.to), p(e.to, e.from)) / heaviest, crowd);
    }
    for (int j = 0; j < n(); ++j) {
      const Point at = place(j);
      svg += fmt::format(
          "<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\" "
          "stroke-width=\"{:.1f}\"/>\n",
          alone(p, j) ? "node alone" : "node", at.x, at.y, radius_, radius_ > 6 ? 2.0 : 0.8);
      const double size = radius_ * (n() > 100 ? 0.75 : 0.95);
      if (size >= 5) {
        svg += text(at.x, at.y + 0.36 * size, "rank", std::round(10 * size) / 10, "middle",
                    std::to_string(j));
      }
    }
    return svg + "</g>\n";
  }

  static bool alone(const MixingMatrix& p, int worker) {
    const Neighbourhood mine = neighbourhood(p, worker);
    return mine.receive.empty() && mine.send.empty();
  }

  Point place(int worker) const {
    return scale(radius_) * layout_.positions[static_cast<size_t>(worker)];
  }

  // The middle of the curve from one worker to the other is drawn towards this point.
  Point control(int from, int to) const {
    const Point middle = 0.5 * (place(from) + place(to));
    if (layout_.step > 0) {
      const double step = scale(radius_) * layout_.step;
      const Point way = place(to) - place(from);
      if (length(way) < 1.01 * step) return middle;
      // Around those in between, towards the nearer side of the lattice.
      const Point out = std::abs(way.y) < std::abs(way.x) ? Point{0, middle.y > 1 ? 1.0 : -1.0}
                                                          : Point{middle.x > 1 ? 1.0 : -1.0, 0};
      return middle + 2 * kBow * step * out;
    }
    return places(from, to, n()) == 1 ? middle : (1 - layout_.pull) * middle;
  }

  std::string edge(const Edge& e, double weight, double crowd) {
    const auto [from, to, both] = e;
    const Point a = place(from), b = place(to), c = control(from, to);
    const size_t kind = layout_.kind(from, to) % kColours;
    used_[kind] = true;
    // Where it leaves the circles of the workers.
    const double gap = topology_.directed() ? radius_ + 2 : radius_ - 1;
    const auto leave = [&](Point p) {
      const double way = length(c - p);
      return way < 1e-9 ? p : p + (std::min(gap, way) / way) * (c - p);
    };
    const Point start = leave(a), end = leave(b);
    std::string arrows;
    if (topology_.directed()) {
      if (both) arrows += fmt::format(" marker-start=\"url(#head{})\"", kind);
      arrows += fmt::format(" marker-end=\"url(#head{})\"", kind);
    }
    const double width = (panels_ == 1 ? 2.2 : 1.9) * crowd * (0.35 + 0.65 * weight);
    return fmt::format(
        "<path class=\"edge k{}\" stroke-width=\"{:.2f}\"{} d=\"M{:.1f} {:.1f}Q{:.1f} {:.1f} "
        "{:.1f} "
        "{:.1f}\"/>\n",
        kind, width, arrows, start.x, start.y, c.x, c.y, end.x, end.y);
  }

  // What the colours mean, if there are several.
  std::string legend(double centre, double y) const {
    std::vector<size_t> shown;
    for (size_t i = 0; i < layout_.kinds.size() && i < kColours; ++i) {
      if (used_[i]) shown.push_back(i);
    }
    if (shown.size() < 2) return "";
    constexpr double kCharacter = 6.4, kLine = 18, kGap = 14;
    double width = kCharacter * static_cast<double>(layout_.legend.size());
    for (const size_t i : shown) {
      width += kLine + 6 + kCharacter * static_cast<double>(layout_.kinds[i].size()) + kGap;
    }
    double x = centre - width / 2;
    std::string svg = text(x, y + 4, "quiet", 12, "start", layout_.legend);
    if (!layout_.legend.empty())
      x += kCharacter * static_cast<double>(layout_.legend.size()) + kGap / 2;
    for (const size_t i : shown) {
      svg += fmt::format("<path class=\"k{}\" stroke-width=\"3\" d=\"M{:.1f} {:.1f}h{:g}\"/>\n", i,
                         x, y, kLine);
      svg += text(x + kLine + 6, y + 4, "quiet", 12, "start", layout_.kinds[i]);
      x += kLine + 6 + kCharacter * static_cast<double>(layout_.kinds[i].size()) + kGap;
    }
    return svg;
  }

  std::string description() const {
    std::string words =
        fmt::format("{} {} {}.", n(), n() == 1 ? "worker" : "workers", layout_.words);
    const bool directed = topology_.directed();
    for (int64_t t = 0; t < panels_; ++t) {
      const Digraph graph = topology_.graph(t);
      std::vector<std::string> edges;
      for (int j = 0; j < n(); ++j) {
        for (const int k : graph.receivers(j)) {
          if (directed || j < k)
            edges.push_back(fmt::format("{} {} {}", j, directed ? "to" : "and", k));
        }
      }
      words += panels_ > 1 ? fmt::format(" Step {}: ", t) : " ";
      words += fmt::format("{} {}", edges.size(),
                           directed ? (edges.size() == 1 ? "message" : "messages")
                                    : (edges.size() == 1 ? "exchange" : "exchanges"));
      if (!edges.empty() && edges.size() <= kMostListedEdges) {
        words += fmt::format(": {}", fmt::join(edges, ", "));
      }
      words += ".";
    }
    return words;
  }

  const Topology& topology_;
  Layout layout_;
  int panels_, columns_;
  double side_, height_, radius_;
  std::vector<bool> used_;  // kinds of edges
};

}  // namespace
}  // namespace topology_picture

std::string topology_svg(const Topology& topology, const std::string& name,
                         const std::string& caption) {
  return topology_picture::Picture(topology, name).draw(name, caption);
}

}  // namespace valley
