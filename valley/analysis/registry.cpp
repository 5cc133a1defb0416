#include "valley/analysis/registry.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "valley/analysis/measures_of_hessian.h"
#include "valley/analysis/measures_of_loss.h"
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
       [](const Minimum&) { return 1.0; }, &measure_entropy},
      {"lpf", "mean loss under small noise: the low-pass filtered loss", "draws losses", true,
       kNothing, true, [](const Minimum& m) { return draws(m); }, &measure_lpf},
      {"local-entropy", "log of the mean of exp(-loss) under the same noise", "nothing beside lpf",
       true, kNothing, false, [](const Minimum&) { return 0.0; }, &measure_local_entropy},
      {"pac-bayes", "distance from the start over the noise that is borne, squared",
       "about 6 draws losses", true, kInitial, true, [](const Minimum& m) { return 6 * draws(m); },
       &measure_pac_bayes},
      {"valley-bound", "PAC-Bayes bound of the error for noise as wide as the valley",
       "draws losses", true, kBoth, true, [](const Minimum& m) { return draws(m); },
       &measure_valley_bound},
      {"lambda-max", "largest eigenvalue of the Hessian", "10 to 60 products", false, kNothing,
       true, [](const Minimum&) { return 15 * products(1); }, &measure_lambda_max},
      {"trace", "sum of the Hessian's eigenvalues", "draws products", true, kNothing, true,
       [](const Minimum& m) {
         return draws(m) * products(m.together(8)) / static_cast<double>(m.together(8));
       },
       &measure_trace},
      {"frobenius", "root of the sum of their squares", "nothing beside trace", true, kNothing,
       true, [](const Minimum&) { return 0.0; }, &measure_frobenius},
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
  if (entry.needs == Needs::kWorkers || entry.needs == Needs::kBoth) {
    if (data.workers.size() < 2) return "needs two workers, the run has one";
    const bool together =
        std::any_of(data.workers.begin(), data.workers.end(), [&](const at::Tensor& worker) {
          return sits_on_average(data.average, worker, data.workers.size());
        });
    if (together) return "needs workers that differ, at least one is at the average";
  }
  if (entry.needs == Needs::kInitial || entry.needs == Needs::kBoth) {
    if (!data.initial.defined()) return "needs the weights that training began with";
  }
  return "";
}

}  // namespace valley
