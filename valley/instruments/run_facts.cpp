#include "valley/instruments/run_facts.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "valley/core/error.h"
#include "valley/record/score_record.h"

namespace valley {

RunFacts facts_of(const FinishedRun& run) {
  const Summary& s = run.summary();
  return {run.folder(), s.algorithm, s.model, s.data, s.workers, s.seed, s.sheet};
}

Json to_json(const RunFacts& facts) {
  Json json = {{"run", facts.folder},
               {"algorithm", facts.algorithm},
               {"model", facts.model},
               {"data", facts.data}};
  add_sheet(json, facts.sheet);
  return json;
}

void require_finite(double loss, const FinishedRun& run) {
  // abs: a NaN may have a sign, which says nothing.
  require(std::isfinite(loss), "{}: the loss of the average is {}, it diverged", run.folder(),
          std::abs(loss));
}

}  // namespace valley
