#include "valley/analysis/registry.h"

#include <algorithm>
#include <stdexcept>

#include "valley/analysis/measures_of_hessian.h"
#include "valley/analysis/measures_of_loss.h"
#include "valley/analysis/minimum.h"

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

struct Way {
  const char* name;
  double (*passes)(const Minimum&);
  Measurement (*measure)(Minimum&);
};

// What measure_table.h cannot have, since it is known without LibTorch.
constexpr Way kWays[] = {
    {"mean-valley", [](const Minimum& m) { return 1 + kSearch * workers(m); },
     &measure_mean_valley},
    {"mean-valley-share", [](const Minimum& m) { return 1 + kSearch * workers(m); },
     &measure_mean_valley_share},
    {"mean-valley-random", [](const Minimum& m) { return 1 + kSearch * draws(m); },
     &measure_mean_valley_random},
    {"average-direction", &draws, &measure_average_direction},
    {"gradient-norm", [](const Minimum&) { return kGradient; }, &measure_gradient_norm},
    {"eps-sharpness", [](const Minimum&) { return kSearch; }, &measure_eps_sharpness},
    {"critical-sharpness", [](const Minimum&) { return kGradient + 4; },
     &measure_critical_sharpness},
    {"sam", [](const Minimum&) { return 10 * kGradient; }, &measure_sam},
    {"entropy", [](const Minimum&) { return 0.0; }, &measure_entropy},
    {"lpf", &draws, &measure_lpf},
    {"local-entropy", &draws, &measure_local_entropy},
    {"pac-bayes", [](const Minimum& m) { return 6 * draws(m); }, &measure_pac_bayes},
    {"valley-bound", &draws, &measure_valley_bound},
    {"lambda-max", [](const Minimum& m) { return lanczos_steps(m) * products(1); },
     &measure_lambda_max},
    {"trace", &moments, &measure_trace},
    {"frobenius", &moments, &measure_frobenius},
    {"fisher-rao", [](const Minimum&) { return products(1); }, &measure_fisher_rao},
    {"spectral-density",
     [](const Minimum& m) {
       return static_cast<double>(m.options().spectrum_steps) *
              products(m.options().spectrum_probes);
     },
     &measure_spectrum},
};

MeasureEntry entry_of(const MeasureFacts& facts) {
  for (const Way& way : kWays) {
    if (facts.name == way.name) return {facts, way.passes, way.measure};
  }
  throw std::logic_error("no function for the measure " + facts.name);
}

}  // namespace

const std::vector<MeasureEntry>& measures() {
  static const std::vector<MeasureEntry> entries = [] {
    std::vector<MeasureEntry> all;
    for (const MeasureFacts& facts : measure_table()) all.push_back(entry_of(facts));
    return all;
  }();
  return entries;
}

const MeasureEntry& find_measure(const std::string& name) {
  return measures()[static_cast<size_t>(&find_measure_facts(name) - measure_table().data())];
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
