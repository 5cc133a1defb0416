#include "valley/topology/draw.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <numbers>
#include <set>

#include "valley/topology/shapes.h"

namespace valley {
namespace {

constexpr double kSide = 460, kSmallSide = 250;  // of a panel, alone or among others
constexpr double kMargin = 26, kHeader = 66, kPanelTitle = 24, kLegend = 34;
constexpr int kMostPanels = 6, kMostListedEdges = 96;

struct Colour {
  const char* light;
  const char* dark;
};

constexpr std::array<Colour, 7> kColours = {{{"#0072b2", "#58b0e3"},
                                             {"#d55e00", "#f08a4b"},
                                             {"#009e73", "#41c79c"},
                                             {"#b5538c", "#e39cc6"},
                                             {"#c78500", "#f0bd4f"},
                                             {"#3d9bd1", "#a3d5f5"},
                                             {"#5b6470", "#aeb7c2"}}};

struct Point {
  double x, y;
};

Point operator+(Point a, Point b) { return {a.x + b.x, a.y + b.y}; }
Point operator-(Point a, Point b) { return {a.x - b.x, a.y - b.y}; }
Point operator*(double s, Point a) { return {s * a.x, s * a.y}; }
double length(Point a) { return std::hypot(a.x, a.y); }

// Where the workers stand, in [-1, 1]^2, and how an edge between two of them looks.
struct Layout {
  std::string words;                    // "on a circle"
  std::vector<Point> positions = {};    // of the workers
  std::string legend = {};              // "places apart"
  std::vector<std::string> kinds = {};  // of edges, for the legend
  std::function<size_t(int from, int to)> kind = [](int, int) { return 0; };  // index of `kinds`
  double pull = 0;  // by how much an edge is drawn to the centre, past those between its ends
  double step = 0;  // on a lattice: the distance of neighbours
  double tall = 1;  // half of the height
};

int floor_log2(int x) {
  int result = 0;
  while ((x >>= 1) > 0) ++result;
  return result;
}

// How many places apart two workers are on a circle.
int places(int from, int to, int n) {
  const int hop = std::abs(from - to);
  return std::min(hop, n - hop);
}

Layout circle(int n) {
  Layout layout{.words = "on a circle", .pull = 0.25};
  for (int j = 0; j < n; ++j) {
    const double angle = 2 * std::numbers::pi * j / n;
    layout.positions.push_back({std::sin(angle), -std::cos(angle)});
  }
  if (n == 1) layout.positions[0] = {0, 0};
  return layout;
}

// A colour for every distance; if they are too many, for 1, 2 to 3, 4 to 7, ...
Layout hops_on_circle(const Topology& topology) {
  const int n = topology.workers();
  std::set<int> distances;
  for (int64_t t = 0; t < topology.cycle(); ++t) {
    for (const int k : topology.graph(t).receivers(0)) distances.insert(places(0, k, n));
  }
  Layout layout = circle(n);
  layout.legend = "places apart:";
  if (distances.size() <= kColours.size()) {
    const std::vector<int> sorted(distances.begin(), distances.end());
    for (const int d : sorted) layout.kinds.push_back(std::to_string(d));
    layout.kind = [sorted, n](int from, int to) {
      const auto found = std::lower_bound(sorted.begin(), sorted.end(), places(from, to, n));
      return static_cast<size_t>(found - sorted.begin());
    };
    return layout;
  }
  for (int low = 1; low <= n / 2; low *= 2) {
    const int high = std::min(2 * low - 1, n / 2);
    layout.kinds.push_back(low == high ? std::to_string(low) : fmt::format("{}-{}", low, high));
  }
  layout.kind = [n](int from, int to) {
    return static_cast<size_t>(floor_log2(places(from, to, n)));
  };
  return layout;
}

// Worker 0 in the middle.
Layout wheel(int n) {
  Layout layout = circle(std::max(n - 1, 1));
  layout.words = "around worker 0";
  layout.pull = 0;
  layout.positions.insert(layout.positions.begin(), {0, 0});
  layout.positions.resize(static_cast<size_t>(n));
  return layout;
}

// Edges around the outside bend by this many steps.
constexpr double kBow = 0.42;

Layout rows_and_columns(int n, bool torus) {
  const auto [rows, columns] = lattice(n);
  Layout layout{.words = fmt::format("in {} {} of {}", rows, rows == 1 ? "row" : "rows", columns)};
  const double bow = torus ? kBow : 0;
  layout.step = columns > 1 ? 2 / (columns - 1 + 2 * bow) : 0;
  layout.tall = layout.step * (0.5 * (rows - 1) + bow);
  for (int j = 0; j < n; ++j) {
    layout.positions.push_back({layout.step * (j % columns - 0.5 * (columns - 1)),
                                layout.step * (j / columns - 0.5 * (rows - 1))});
  }
  if (torus) {
    layout.kinds = {"side by side", "around the edge"};
    layout.kind = [columns = columns](int from, int to) {
      const int apart = std::abs(from - to);
      return static_cast<size_t>(apart != 1 && apart != columns);
    };
  }
  return layout;
}

// Up to four dimensions: the shadow of a cube, each dimension has a direction of its own. More: a
// row for every number of bits set.
Layout cube(int n) {
  const int dimensions = floor_log2(n);
  Layout layout{.words = fmt::format("at the corners of a cube of {} dimensions", dimensions)};
  layout.legend = "bit:";
  layout.kind = [](int from, int to) { return static_cast<size_t>(floor_log2(from ^ to)); };
  for (int d = 0; d < dimensions; ++d) layout.kinds.push_back(std::to_string(d));
  if (dimensions > 4) {
    std::vector<std::vector<int>> rows(static_cast<size_t>(dimensions) + 1);
    for (int j = 0; j < n; ++j) {
      rows[static_cast<size_t>(std::popcount(static_cast<unsigned>(j)))].push_back(j);
    }
    layout.positions.resize(static_cast<size_t>(n));
    const double step = 2.0 / static_cast<double>(rows[rows.size() / 2].size() - 1);
    for (size_t bits = 0; bits < rows.size(); ++bits) {
      const double middle = 0.5 * static_cast<double>(rows[bits].size() - 1);
      for (size_t i = 0; i < rows[bits].size(); ++i) {
        layout.positions[static_cast<size_t>(rows[bits][i])] = {
            step * (static_cast<double>(i) - middle),
            1 - 2 * static_cast<double>(bits) / dimensions};
      }
    }
    return layout;
  }
  std::vector<Point> axes = {{1, 0}, {0, -1}, {0.48, -0.4}};
  if (dimensions == 4) {
    axes.clear();
    for (int d = 0; d < 4; ++d) {
      const double angle = std::numbers::pi * (d + 0.5) / 4;
      axes.push_back({std::cos(angle), -std::sin(angle)});
    }
  }
  double wide = 0, tall = 0;
  for (int j = 0; j < n; ++j) {
    Point p{0, 0};
    for (int d = 0; d < dimensions; ++d) {
      p = p + ((j >> d & 1) != 0 ? 1.0 : -1.0) * axes[static_cast<size_t>(d)];
    }
    layout.positions.push_back(p);
    wide = std::max(wide, std::abs(p.x));
    tall = std::max(tall, std::abs(p.y));
  }
  const double most = std::max({wide, tall, 1e-9});
  for (Point& p : layout.positions) p = (1 / most) * p;
  layout.tall = tall / most;
  return layout;
}

Layout choose_layout(const Topology& topology, const std::string& name) {
  const int n = topology.workers();
  if (name == "star" && n > 2) return wheel(n);
  if (name == "grid" && (lattice(n).first > 1 || n <= 16)) return rows_and_columns(n, false);
  if (name == "torus" && lattice(n).first > 1) return rows_and_columns(n, true);
  if (name == "hypercube" || name == "one-peer-hypercube") return cube(n);
  if (name == "complete" || name.ends_with("exponential")) return hops_on_circle(topology);
  return circle(n);
}

std::string escape(const std::string& text) {
  std::string out;
  for (const char c : text) {
    out += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
  }
  return out;
}

std::string colour_rules(bool dark) {
  std::string rules;
  for (size_t i = 0; i < kColours.size(); ++i) {
    const char* colour = dark ? kColours[i].dark : kColours[i].light;
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
  for (size_t i = 0; i < kColours.size(); ++i) {
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
      style_class, x, y, size, anchor, more, escape(content));
}

class Picture {
 public:
  Picture(const Topology& topology, const std::string& name)
      : topology_(topology), layout_(choose_layout(topology, name.substr(0, name.find(':')))) {
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
    used_.assign(kColours.size(), false);
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
    return fmt::format(
               "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
               "width=\"{0:.0f}\" height=\"{1:.0f}\" role=\"img\" aria-labelledby=\"title desc\" "
               "font-family=\"system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif\">\n"
               "<title id=\"title\">{2}</title>\n<desc id=\"desc\">{3}</desc>\n",
               wide, height, escape(heading), escape(description())) +
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
    const size_t kind = layout_.kind(from, to) % kColours.size();
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
    for (size_t i = 0; i < layout_.kinds.size() && i < kColours.size(); ++i) {
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

std::string topology_svg(const Topology& topology, const std::string& name,
                         const std::string& caption) {
  return Picture(topology, name).draw(name, caption);
}

}  // namespace valley
