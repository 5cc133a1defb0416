#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "valley/record/json_file.h"
#include "valley/record/progress.h"
#include "valley/runs/finished_run.h"

namespace valley {

/// What every result of an instrument says of its run.
struct RunFacts {
  std::string folder = {}, algorithm = {}, model = {}, data = {};
  int workers = 0;
  uint64_t seed = 0;
  ScoreSheet sheet = classification_scores();
};
RunFacts facts_of(const FinishedRun& run);

/// {"run", "algorithm", "model", "data"}, and "task" where it is not classification
Json to_json(const RunFacts& facts);

/// @throws UsageError if the loss of the run's average is no number.
void require_finite(double loss, const FinishedRun& run);

/// Who watches an instrument at work. Both may be left out.
struct InstrumentWatch {
  Progress* progress = nullptr;
  const std::atomic<bool>* stop = nullptr;  ///< ends it soon after with Stopped
};

/// Thrown where a person stops the measuring.
struct Stopped {};

}  // namespace valley
