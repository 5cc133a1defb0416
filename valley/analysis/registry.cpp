#include "valley/analysis/registry.h"

#include <algorithm>

#include "valley/analysis/measures_of_hessian.h"
#include "valley/analysis/measures_of_loss.h"
#include "valley/analysis/minimum.h"
#include "valley/core/error.h"
#include "valley/core/names.h"

namespace valley {
namespace {

// In forward passes: what objective.h says of a gradient and of k products at once.
constexpr double kGradient = 3;
constexpr double kSearch = 16;  // losses of a typical search
double products(int64_t together) { return 3 + 6 * static_cast<double>(together); }

double workers(const Minimum& m) { return static_cast<double>(m.data().workers.size()); }
double draws(const Minimum& m) { return static_cast<double>(m.options().draws); }

double moments(const Minimum& m) {
  return draws(m) * products(m.together(8)) / static_cast<double>(m.together(8));
}

// At most: nobody knows before how soon Lanczos has converged.
double lanczos_steps(const Minimum& m) {
  const MeasureOptions& o = m.options();
  return static_cast<double>(
      std::min(steps_within(o.bytes, o.lanczos_steps, 1, m.data().average), m.dimension()));
}

}  // namespace

const std::vector<MeasureEntry>& measures() {
  using enum Needs;
  static const std::vector<MeasureEntry> table = {
      {"mean-valley", "1 / how far it is, towards the workers, to where the loss doubles",
       "about 15 losses a worker", false, kWorkers, true,
       [](const Minimum& m) { return 1 + kSearch * workers(m); }, &measure_mean_valley},
      {"average-direction", "rise of the loss under noise shaped like the workers' spread",
       "draws losses", true, kWorkers, true, [](const Minimum& m) { return draws(m); },
       &measure_average_direction},
      {"gradient-norm", "length of the gradient", "a gradient", false, kNothing, true,
       [](const Minimum&) { return kGradient; }, &measure_gradient_norm},
      {"eps-sharpness", "1 / how far it is, along the gradient, to where the loss is 0.1 higher",
       "a gradient, about 15 losses", false, kNothing, true, [](const Minimum&) { return kSearch; },
       &measure_eps_sharpness},
      {"sam", "highest rise of the loss found within a small ball", "10 gradients", false, kNothing,
       true, [](const Minimum&) { return 10 * kGradient; }, &measure_sam},
      {"entropy", "Shannon entropy of the predictions", "a loss", false, kNothing, false,
       [](const Minimum&) { return 0.0; }, &measure_entropy},
      {"lpf", "mean loss under small noise: the low-pass filtered loss", "draws losses", true,
       kNothing, true, [](const Minimum& m) { return draws(m); }, &measure_lpf},
      {"local-entropy", "log of the mean of exp(-loss) under the same noise", "nothing beside lpf",
       true, kNothing, false, [](const Minimum& m) { return draws(m); }, &measure_local_entropy,
       "lpf"},
      {"pac-bayes", "distance from the start over the noise that is borne, squared",
       "about 6 draws losses", true, kInitial, true, [](const Minimum& m) { return 6 * draws(m); },
       &measure_pac_bayes},
      {"valley-bound", "PAC-Bayes bound of the error for noise as wide as the valley",
       "draws losses", true, kBoth, true, [](const Minimum& m) { return draws(m); },
       &measure_valley_bound},
      {"lambda-max", "largest eigenvalue of the Hessian", "10 to 60 products", false, kNothing,
       true, [](const Minimum& m) { return lanczos_steps(m) * products(1); }, &measure_lambda_max},
      {"trace", "sum of the Hessian's eigenvalues", "draws products", true, kNothing, true,
       &moments, &measure_trace},
      {"frobenius", "root of the sum of their squares", "nothing beside trace", true, kNothing,
       true, &moments, &measure_frobenius, "trace"},
      {"fisher-rao", "x^T H x", "a product", false, kNothing, true,
       [](const Minimum&) { return products(1); }, &measure_fisher_rao},
      {"spectral-density", "the Hessian's eigenvalues; the figure: the negative ones' share",
       "60 products", true, kNothing, true,
       [](const Minimum& m) {
         return static_cast<double>(m.options().spectrum_steps) *
                products(m.options().spectrum_probes);
       },
       &measure_spectrum},
  };
  return table;
}

const MeasureEntry& find_measure(const std::string& name) {
  std::vector<std::string> known;
  for (const MeasureEntry& entry : measures()) {
    if (entry.name == name) return entry;
    known.push_back(entry.name);
  }
  throw UsageError(unknown_name("measure", name, known));
}

std::string why_not(const MeasureEntry& entry, const Minimum& minimum) {
  const MinimumData& data = minimum.data();
  return why_not(entry, data.average, data.workers, data.initial);
}

std::string why_not(const MeasureEntry& entry, const at::Tensor& average,
                    const std::vector<at::Tensor>& workers, const at::Tensor& initial) {
  if (entry.needs == Needs::kWorkers || entry.needs == Needs::kBoth) {
    if (workers.size() < 2) return "needs two workers, the run has one";
    const bool together = std::any_of(
        workers.begin(), workers.end(),
        [&](const at::Tensor& worker) { return sits_on_average(average, worker, workers.size()); });
    if (together) return "needs workers that differ, at least one is at the average";
  }
  if (entry.needs == Needs::kInitial || entry.needs == Needs::kBoth) {
    if (!initial.defined()) return "needs the weights that training began with";
  }
  return "";
}

}  // namespace valley
