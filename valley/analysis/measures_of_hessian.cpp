#include "valley/analysis/measures_of_hessian.h"

#include <ATen/ops/dot.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "valley/analysis/draws.h"
#include "valley/analysis/minimum.h"
#include "valley/analysis/spectrum.h"
#include "valley/record/units.h"

namespace valley {
namespace {

constexpr int kGrid = 256;  // points of the density

std::string memory_note(int64_t steps, int64_t wanted, int64_t bytes) {
  if (steps == wanted) return "";
  return fmt::format("{} of {} Lanczos vectors: more do not fit into {}", steps, wanted,
                     format_bytes(bytes));
}

Measurement of(const Minimum& minimum, const Estimate& estimate) {
  return {.value = estimate.value,
          .standard_error = estimate.standard_error,
          .details = MomentsDetails{{estimate.draws, minimum.options().seed}}};
}

}  // namespace

Measurement measure_lambda_max(Minimum& minimum) {
  const MeasureOptions& o = minimum.options();
  const at::Tensor& x = minimum.data().average;
  const int64_t steps = steps_within(o.bytes, o.lanczos_steps, 1, x);
  const LargestEigenvalue found = largest_eigenvalue(
      minimum.data().products, draw_normals(x, o.seed, "lanczos", 0), steps, o.lanczos_tolerance);
  Measurement result{.value = found.value};
  result.note = memory_note(steps, o.lanczos_steps, o.bytes);
  if (!found.converged) {
    result.note += fmt::format("{}after {} Lanczos steps an eigenvalue within {:.2g}",
                               result.note.empty() ? "" : "; ", found.steps, found.residual);
  }
  result.details = LambdaMaxDetails{found, o.seed};
  return result;
}

Measurement measure_trace(Minimum& minimum) { return of(minimum, minimum.moments().trace); }

Measurement measure_frobenius(Minimum& minimum) { return of(minimum, minimum.moments().frobenius); }

Measurement measure_fisher_rao(Minimum& minimum) {
  const at::Tensor& x = minimum.data().average;
  const at::Tensor hx = minimum.data().products({x}).front();
  return {.value = at::dot(x.to(at::kDouble), hx.to(at::kDouble)).item<double>()};
}

Measurement measure_spectrum(Minimum& minimum) {
  const MeasureOptions& o = minimum.options();
  const at::Tensor& x = minimum.data().average;
  const int64_t steps = steps_within(o.bytes, o.spectrum_steps, o.spectrum_probes, x);
  const Spectrum spectrum = lanczos_spectrum(
      minimum.data().products, x, {.probes = o.spectrum_probes, .steps = steps, .seed = o.seed});
  const Estimate negative = spectrum.sum([](double value) { return std::max(-value, 0.0); });
  const Estimate positive = spectrum.sum([](double value) { return std::max(value, 0.0); });
  const Estimate outliers =
      spectrum.sum([&](double value) { return value > spectrum.largest() / 10 ? 1.0 : 0.0; });

  const double margin = 0.05 * (spectrum.largest() - spectrum.smallest());
  const double first = spectrum.smallest() - margin, last = spectrum.largest() + margin;
  const double width = std::max((last - first) / 100, 1e-12);
  std::vector<double> grid;
  for (int i = 0; i < kGrid; ++i) grid.push_back(first + (last - first) * i / (kGrid - 1));

  // The share of the curvature that goes down; its error is that of the smaller sum.
  const double all = positive.value + negative.value;
  Measurement result{.value = all > 0 ? negative.value / all : 0,
                     .standard_error = all > 0 ? negative.standard_error / all : 0};
  result.note = memory_note(steps, o.spectrum_steps, o.bytes);
  result.details = SpectrumDetails{.smallest = spectrum.smallest(),
                                   .largest = spectrum.largest(),
                                   .outliers = outliers,
                                   .lanczos_steps = steps,
                                   .seed = o.seed,
                                   .at = grid,
                                   .density = spectrum.density(grid, width),
                                   .width = width,
                                   .probes = spectrum.probes()};
  return result;
}

}  // namespace valley
