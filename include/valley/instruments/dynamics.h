#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "valley/analysis/alignment.h"
#include "valley/analysis/figures.h"
#include "valley/analysis/objective.h"
#include "valley/instruments/dynamics_options.h"
#include "valley/instruments/recorded_curves.h"
#include "valley/instruments/run_facts.h"

/// How the workers of a finished run moved, and the noise they live in; docs/dynamics.md.
///
///     const DynamicsResult result = measure_dynamics(FinishedRun::open("runs/first"), {});
namespace valley {

/// What a part of the work took.
struct PartCost {
  double passes = 0;  ///< forward passes over the examples
  double seconds = 0;
};

struct DynamicsResult {
  RunFacts run = {};
  DynamicsOptions options = {};
  int64_t parameters = 0;
  int64_t examples = 0, training_examples = 0;  ///< those it was taken over, and all
  Scores scores = {};                           ///< of the average, over the former
  int64_t rounds = 0;                           ///< in the records of the run
  std::vector<DynamicsCurve> curves = {};

  struct Spread {
    SpreadFigures figures = {};
    Forces forces = {};               ///< of the last round
    std::vector<double> losses = {};  ///< of the workers
    PartCost cost = {};
  } spread = {};

  struct Gradient {
    double norm = 0;
    PartCost cost = {};
  } gradient = {};

  struct Rate {
    RateFigures figures = {};
    int64_t draws = 0;
    PartCost cost = {};
  };
  std::optional<Rate> rate = {};  ///< none where the gradient is 0

  struct Smoothed {
    SmoothedFigures figures = {};
    PartCost cost = {};
  };
  std::optional<Smoothed> smoothed = {};  ///< none without noise to smooth with

  struct Aligned {
    Alignment figures = {};
    PartCost cost = {};
  };
  std::optional<Aligned> alignment = {};  ///< where eigenvectors were asked for

  std::vector<std::string> notes = {};  ///< what is missing, and why
  double seconds = 0;
};

/// `threads` share the batches; 0: one a core.
/// @throws UsageError if the run diverged, or if there are fewer examples than workers; Stopped
/// soon
///     after *watch.stop has become true.
DynamicsResult measure_dynamics(const FinishedRun& run, const DynamicsOptions& options,
                                int threads = 0, const InstrumentWatch& watch = {});

/// What dynamics.json in a run folder holds.
Json to_json(const DynamicsResult& result);

inline constexpr const char* kDynamicsFile = "dynamics.json";

}  // namespace valley
