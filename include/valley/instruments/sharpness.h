#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "valley/analysis/measure_options.h"
#include "valley/analysis/objective.h"
#include "valley/analysis/registry.h"
#include "valley/instruments/run_facts.h"
#include "valley/instruments/sharpness_options.h"

/// How wide and flat the minimum is that a finished run found.
///
///     const SharpnessRequest request = sharpness_request({.measures = {"sam", "lambda-max"}});
///     const SharpnessResult result = measure_sharpness(FinishedRun::open("runs/first"), request);
namespace valley {

/// What they say, once they are known to make sense.
struct SharpnessRequest {
  SharpnessOptions options = {};
  std::vector<const MeasureEntry*> measures = {};
  bool required = false;  ///< a measure that a run lacks is an error, not a note
  MeasureOptions measuring = {};
  ObjectiveOptions objective = {};
};

/// `threads` share the batches; 0: one a core. @throws UsageError if an option is out of range.
SharpnessRequest sharpness_request(const SharpnessOptions& options, int threads = 0);

/// Of measures asked for by name: whether every one has a meaning for some of the runs. Of one run
/// each is then required; where others lack it, their results say so.
/// @throws UsageError with the first run's reason for a measure that no run has.
void require_measurable(const std::vector<FinishedRun>& runs, SharpnessRequest& request);

/// What one measure said.
struct Measured {
  const MeasureEntry* entry = nullptr;
  Measurement measurement;
  double seconds = 0;
};

struct SharpnessResult {
  RunFacts run = {};
  SharpnessOptions options = {};
  int64_t parameters = 0;
  double generalization_gap = 0;
  int64_t examples = 0, training_examples = 0;  ///< those it was taken over, and all
  Scores scores = {};                           ///< of the average, over the former
  std::vector<Measured> measures = {};
  double seconds = 0;
};

/// @throws UsageError if the run diverged, or lacks a measure that is required; Stopped soon after
///     *watch.stop has become true.
SharpnessResult measure_sharpness(const FinishedRun& run, const SharpnessRequest& request,
                                  const InstrumentWatch& watch = {});

}  // namespace valley
