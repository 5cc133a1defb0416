#include "valley/analysis/alignment.h"

#include <ATen/ops/dot.h>
#include <ATen/ops/mv.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "valley/analysis/draws.h"
#include "valley/analysis/length.h"

namespace valley {
namespace {

double share(const at::Tensor& vectors, const at::Tensor& v) {
  const double size = length(v), inside = length(at::mv(vectors, v));
  return size > 0 ? inside * inside / (size * size) : std::numeric_limits<double>::quiet_NaN();
}

double bend(const SymmetricProducts& products, const at::Tensor& v) {
  const double size = length(v);
  if (size == 0) return std::numeric_limits<double>::quiet_NaN();
  const at::Tensor hv = products({v}).front();
  return at::dot(v.to(at::kDouble), hv.to(at::kDouble)).item<double>() / (size * size);
}

}  // namespace

SharpDirections sharp_directions(const SymmetricProducts& products, const at::Tensor& start,
                                 int64_t steps, int64_t k) {
  LanczosRun run(start, std::max(steps, 2 * k));
  while (!run.done()) run.absorb(products({run.vector()}).front());
  const Ritz ritz = run.ritz();
  const auto found = std::min(k, run.steps());
  SharpDirections sharp;
  for (int64_t i = 0; i < found; ++i) {
    sharp.values.push_back(ritz.values[ritz.values.size() - 1 - size_t(i)]);
    sharp.residuals.push_back(ritz.residuals[ritz.values.size() - 1 - size_t(i)]);
  }
  sharp.vectors = run.largest_vectors(found);
  return sharp;
}

Alignment alignment(const SymmetricProducts& products, SharpDirections sharp,
                    const std::vector<at::Tensor>& gaps, const at::Tensor& gradient, int64_t draws,
                    uint64_t seed) {
  const c10::NoGradGuard no_grad;
  Alignment result{.sharp = std::move(sharp)};
  const at::Tensor& u = result.sharp.vectors;
  result.expected = double(u.size(0)) / double(u.size(1));
  result.of_gradient = share(u, gradient);
  for (const at::Tensor& gap : gaps) {
    result.of_workers.push_back(share(u, gap));
    result.bend_of_workers.push_back(bend(products, gap));
    const double size = length(gap);
    if (size > 0) result.penalty += result.bend_of_workers.back() * size * size;
  }
  if (!gaps.empty()) result.penalty /= double(gaps.size());
  std::vector<double> shares, bends;
  for (int64_t k = 0; k < draws; ++k) {
    const at::Tensor v = draw_normals(gradient, seed, "alignment", k);
    shares.push_back(share(u, v));
    bends.push_back(bend(products, v));
  }
  result.of_random = mean_estimate(shares);
  result.bend_of_random = mean_estimate(bends);
  return result;
}

}  // namespace valley
