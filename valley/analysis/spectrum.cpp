#include "valley/analysis/spectrum.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "valley/analysis/draws.h"
#include "valley/core/error.h"

namespace valley {

double Spectrum::smallest() const {
  double result = std::numeric_limits<double>::infinity();
  for (const Ritz& ritz : probes_) result = std::min(result, ritz.values.front());
  return result;
}

double Spectrum::largest() const {
  double result = -std::numeric_limits<double>::infinity();
  for (const Ritz& ritz : probes_) result = std::max(result, ritz.values.back());
  return result;
}

Estimate Spectrum::sum(const std::function<double(double)>& f) const {
  std::vector<double> draws;
  for (const Ritz& ritz : probes_) {
    double mean = 0;
    for (size_t i = 0; i < ritz.values.size(); ++i) mean += ritz.weights[i] * f(ritz.values[i]);
    draws.push_back(mean * static_cast<double>(dimension_));
  }
  return mean_estimate(draws);
}

std::vector<double> Spectrum::density(const std::vector<double>& grid, double width) const {
  const double height = 1 / (width * std::sqrt(2 * M_PI) * static_cast<double>(probes_.size()));
  std::vector<double> result;
  for (const double x : grid) {
    double sum = 0;
    for (const Ritz& ritz : probes_) {
      for (size_t i = 0; i < ritz.values.size(); ++i) {
        const double z = (x - ritz.values[i]) / width;
        sum += ritz.weights[i] * std::exp(-z * z / 2);
      }
    }
    result.push_back(height * sum);
  }
  return result;
}

Spectrum lanczos_spectrum(const SymmetricProducts& products, const at::Tensor& like,
                          const SpectrumOptions& options) {
  require(options.probes >= 1, "a spectrum needs at least one probe, got {}", options.probes);
  std::vector<LanczosRun> runs;
  for (int64_t i = 0; i < options.probes; ++i) {
    runs.emplace_back(draw_normals(like, options.seed, "spectrum", i), options.steps);
  }
  while (true) {
    std::vector<LanczosRun*> going;
    std::vector<at::Tensor> vectors;
    for (LanczosRun& run : runs) {
      if (run.done()) continue;
      going.push_back(&run);
      vectors.push_back(run.vector());
    }
    if (going.empty()) break;
    const auto results = products(vectors);
    for (size_t i = 0; i < going.size(); ++i) going[i]->absorb(results[i]);
  }
  std::vector<Ritz> ritz;
  for (const LanczosRun& run : runs) ritz.push_back(run.ritz());
  return {std::move(ritz), like.numel()};
}

}  // namespace valley
