#include "valley/instruments/run_facts.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "valley/core/error.h"

namespace valley {

RunFacts facts_of(const FinishedRun& run) {
  const Summary& s = run.summary();
  return {run.folder(), s.algorithm, s.model, s.data, s.workers, s.seed};
}

Json to_json(const RunFacts& facts) {
  return {{"run", facts.folder},
          {"algorithm", facts.algorithm},
          {"model", facts.model},
          {"data", facts.data}};
}

void require_finite(double loss, const FinishedRun& run) {
  // abs: a NaN may have a sign, which says nothing.
  require(std::isfinite(loss), "{}: the loss of the average is {}, it diverged", run.folder(),
          std::abs(loss));
}

}  // namespace valley
