#include "valley/picture/topology_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <iterator>
#include <numbers>
#include <set>

#include "valley/picture/svg.h"
#include "valley/topology/shapes.h"

namespace valley::topology_picture {

int places(int from, int to, int n) {
  const int hop = std::abs(from - to);
  return std::min(hop, n - hop);
}

namespace {

int floor_log2(int x) {
  int result = 0;
  while ((x >>= 1) > 0) ++result;
  return result;
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
  if (distances.size() <= std::size(kPictureColours)) {
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

}  // namespace

Layout layout_of(const Topology& topology, const std::string& name) {
  const int n = topology.workers();
  if (name == "star" && n > 2) return wheel(n);
  if (name == "grid" && (lattice(n).first > 1 || n <= 16)) return rows_and_columns(n, false);
  if (name == "torus" && lattice(n).first > 1) return rows_and_columns(n, true);
  if (name == "hypercube" || name == "one-peer-hypercube") return cube(n);
  if (name == "complete" || name.ends_with("exponential")) return hops_on_circle(topology);
  return circle(n);
}

}  // namespace valley::topology_picture
