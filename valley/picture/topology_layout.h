#pragma once

#include <cmath>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "valley/topology/topology.h"

/// Where the workers of a topology stand in its picture.
namespace valley::topology_picture {

struct Point {
  double x, y;
};

inline Point operator+(Point a, Point b) { return {a.x + b.x, a.y + b.y}; }
inline Point operator-(Point a, Point b) { return {a.x - b.x, a.y - b.y}; }
inline Point operator*(double s, Point a) { return {s * a.x, s * a.y}; }
inline double length(Point a) { return std::hypot(a.x, a.y); }

/// Where the workers stand, in [-1, 1]^2, and how an edge between two of them looks.
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

/// Edges around the outside of a torus bend by this many steps.
inline constexpr double kBow = 0.42;

/// How many places apart two workers are on a circle of n.
int places(int from, int to, int n);

/// On a circle; on a lattice, as the shadow of a cube or around worker 0 where `name`, that of the
/// topology without what follows a colon, says so.
Layout layout_of(const Topology& topology, const std::string& name);

}  // namespace valley::topology_picture
