#include "valley/instruments/sharpness_options.h"

#include <cmath>
#include <set>

#include "valley/analysis/measure_table.h"
#include "valley/core/error.h"
#include "valley/core/names.h"
#include "valley/instruments/sample.h"

namespace valley {

std::string_view name(ValleySearch search) {
  return search == ValleySearch::kStep ? "step" : "bisect";
}

ValleySearch parse_search(const std::string& text) {
  const bool by_step = choose(fmt::format("{}", Key{"search"}), text, {"bisect", "step"}) == 1;
  return by_step ? ValleySearch::kStep : ValleySearch::kBisect;
}

void check(const SharpnessOptions& options) {
  std::set<std::string> seen;
  for (const std::string& name : options.measures) {
    require(seen.insert(name).second, "{} has {} twice", Key{"measures"}, name);
    find_measure_facts(name);
  }
  check_sample(options.samples, options.seed);
  require(options.lanczos >= 2, "{} must be at least 2, got {}", Key{"lanczos"}, options.lanczos);
  require(std::isfinite(options.memory) && options.memory > 0, "{} must be above 0, got {}",
          Key{"memory"}, options.memory);
  require(std::isfinite(options.step) && 0 < options.step && options.step <= 1e4,
          "{} must be in (0, 10000], got {}", Key{"step"}, options.step);
  check(measuring(options));
}

MeasureOptions measuring(const SharpnessOptions& options) {
  MeasureOptions asked;
  asked.valley = {.kappa = options.kappa, .search = options.search, .step = options.step};
  asked.seed = static_cast<uint64_t>(options.seed);
  asked.draws = options.draws;
  asked.rho = options.rho;
  asked.lanczos_steps = options.lanczos;
  return asked;
}

}  // namespace valley
