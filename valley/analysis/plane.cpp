#include "valley/analysis/plane.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/add.h>
#include <ATen/ops/dot.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/sub.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "valley/analysis/draws.h"
#include "valley/analysis/length.h"
#include "valley/core/error.h"

namespace valley {
namespace {

// What rounding leaves of a difference of two vectors of this size.
constexpr double kNothing = 1e-5;

double inner(const at::Tensor& a, const at::Tensor& b) {
  return at::dot(a.to(at::kDouble), b.to(at::kDouble)).item<double>();
}

const at::Tensor& of_worker(const std::vector<at::Tensor>& workers, int m) {
  require(0 <= m && m < static_cast<int>(workers.size()), "there is no worker {}: they are 0 to {}",
          m, workers.size() - 1);
  return workers[static_cast<size_t>(m)];
}

at::Tensor unit(const at::Tensor& x) { return x / length(x); }

at::Tensor without(const at::Tensor& x, const at::Tensor& direction) {
  return x - direction * inner(x, direction);
}

Plane through(const at::Tensor& origin, const at::Tensor& a, const at::Tensor& b,
              std::array<std::string, 2> axes, const std::string& what) {
  const at::Tensor to_a = a - origin, to_b = b - origin;
  const double size = length(to_a) + length(to_b);
  require(length(to_a) > kNothing * length(origin) && size > 0, "{} lie in one point: no plane",
          what);
  const at::Tensor first = unit(to_a), rest = without(to_b, first);
  require(length(rest) > kNothing * size, "{} lie in one line: no plane", what);
  return {.origin = origin, .first = first, .second = unit(rest), .axes = std::move(axes)};
}

}  // namespace

at::Tensor Plane::at(double x, double y) const { return origin + first * x + second * y; }

PlaneCoordinates coordinates(const Plane& plane, const at::Tensor& point) {
  const at::Tensor away = point - plane.origin;
  const double ff = inner(plane.first, plane.first), ss = inner(plane.second, plane.second);
  const double fs = inner(plane.first, plane.second);
  const double fa = inner(plane.first, away), sa = inner(plane.second, away);
  const double determinant = ff * ss - fs * fs;
  PlaneCoordinates result{.x = (fa * ss - sa * fs) / determinant,
                          .y = (sa * ff - fa * fs) / determinant};
  result.off_plane = length(away - plane.first * result.x - plane.second * result.y);
  return result;
}

Plane plane_through_average(const at::Tensor& average, const std::vector<at::Tensor>& workers,
                            int a, int b) {
  return through(average, of_worker(workers, a), of_worker(workers, b),
                 {fmt::format("towards worker {}", a),
                  fmt::format("in the plane of worker {}, at a right angle", b)},
                 fmt::format("the average and workers {} and {}", a, b));
}

Plane plane_through_workers(const std::vector<at::Tensor>& workers, int a, int b, int c) {
  const at::Tensor mean =
      (of_worker(workers, a) + of_worker(workers, b) + of_worker(workers, c)) / 3;
  return through(mean, of_worker(workers, a), of_worker(workers, b),
                 {fmt::format("from the mean of workers {}, {} and {} towards {}", a, b, c, a),
                  "in their plane, at a right angle"},
                 fmt::format("workers {}, {} and {}", a, b, c));
}

Plane plane_of_spread(const at::Tensor& average, const std::vector<at::Tensor>& workers,
                      uint64_t seed) {
  require(workers.size() >= 2, "the workers' spread needs at least two workers, got {}",
          workers.size());
  const auto count = static_cast<int64_t>(workers.size());
  std::vector<at::Tensor> away;
  at::Tensor mean = at::zeros_like(average);
  for (const at::Tensor& x : workers) mean.add_(x, 1.0 / double(count));
  for (const at::Tensor& x : workers) away.push_back(x - mean);
  // The components are combinations of the differences: the eigenvectors of their products.
  at::Tensor products = at::stack(away).to(at::kDouble);
  products = products.matmul(products.t());
  const auto [values, vectors] = at::linalg_eigh(products.cpu());
  const double* value = values.data_ptr<double>();
  require(std::sqrt(std::max(0.0, value[count - 1])) > kNothing * length(average),
          "the workers are all in one place: no spread");
  const auto component = [&](int64_t i) {
    at::Tensor sum = at::zeros_like(average);
    for (int64_t m = 0; m < count; ++m) {
      sum.add_(away[static_cast<size_t>(m)], vectors.select(0, m).select(0, i).item<double>());
    }
    return sum;
  };
  const double total = values.clamp_min(0).sum().item<double>();
  const auto named = [&](const char* name, int64_t i) {
    return fmt::format("{} component of the workers' spread ({:.0f} %)", name,
                       100 * value[i] / total);
  };
  Plane plane{.origin = average,
              .first = unit(component(count - 1)),
              .second = {},
              .axes = {named("first", count - 1), ""}};
  if (value[count - 2] > 1e-9 * value[count - 1]) {
    plane.second = unit(without(component(count - 2), plane.first));
    plane.axes[1] = named("second", count - 2);
  } else {
    const at::Tensor drawn = draw_normals(average, seed, "plane", 0);
    const at::Tensor rest = without(drawn, plane.first);
    require(length(rest) > kNothing * length(drawn),
            "a plane needs two directions, the model has one weight");
    plane.second = unit(rest);
    plane.axes[1] = "a random direction";
  }
  return plane;
}

Plane random_plane(const at::Tensor& x, const std::vector<NamedRange>& ranges, uint64_t seed) {
  const auto direction = [&](int64_t draw) {
    at::Tensor d = draw_normals(x, seed, "plane", draw);
    for (const NamedRange& range : ranges) {
      if (range.size == 0) continue;
      at::Tensor part = d.narrow(0, range.offset, range.size);
      if (range.shape.size() < 2) {
        part.zero_();
        continue;
      }
      const at::Tensor rows = part.view({range.shape[0], -1});
      const at::Tensor sizes =
          x.narrow(0, range.offset, range.size).view({range.shape[0], -1}).norm(2, {1}, true);
      rows.mul_(sizes / rows.norm(2, {1}, true).clamp_min(1e-30));
    }
    return d;
  };
  Plane plane{.origin = x,
              .first = direction(0),
              .second = direction(1),
              .axes = {"random direction, in filters' lengths", "another, likewise"}};
  // Filters of one weight have one direction, and biases none.
  const double size = length(plane.first);
  require(size > 0,
          "a random plane needs filters: weights of two dimensions or more that are not 0");
  const at::Tensor rest = without(plane.second, plane.first / size);
  require(length(rest) > kNothing * length(plane.second),
          "the model's filters are too few and small for two random directions");
  return plane;
}

}  // namespace valley
