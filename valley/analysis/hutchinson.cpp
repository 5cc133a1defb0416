#include "valley/analysis/hutchinson.h"

#include <ATen/ops/dot.h>

#include <algorithm>
#include <cmath>

#include "valley/analysis/draws.h"
#include "valley/core/error.h"

namespace valley {

HessianMoments hutchinson(const SymmetricProducts& products, const at::Tensor& like,
                          const HutchinsonOptions& options) {
  require(options.draws >= 1, "draws must be at least 1, got {}", options.draws);
  require(options.together >= 1, "together must be at least 1, got {}", options.together);
  std::vector<double> along, squared;
  for (int64_t first = 0; first < options.draws; first += options.together) {
    std::vector<at::Tensor> vs;
    for (int64_t i = first; i < std::min(first + options.together, options.draws); ++i) {
      vs.push_back(draw_signs(like, options.seed, "hutchinson", i));
    }
    const auto results = products(vs);
    for (size_t i = 0; i < vs.size(); ++i) {
      const at::Tensor av = results[i].to(at::kDouble);
      along.push_back(at::dot(vs[i].to(at::kDouble), av).item<double>());
      squared.push_back(at::dot(av, av).item<double>());
    }
  }
  const Estimate square = mean_estimate(squared);
  const double root = std::sqrt(square.value);
  return {.trace = mean_estimate(along),
          .frobenius = transformed(square, root, root > 0 ? 1 / (2 * root) : 0)};
}

}  // namespace valley
