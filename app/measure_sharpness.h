#pragma once

#include <CLI/App.hpp>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "app/instrument.h"
#include "valley/analysis/objective.h"
#include "valley/analysis/registry.h"
#include "valley/record/json_file.h"
#include "valley/record/progress.h"
#include "valley/runs/finished_run.h"

/// Measuring the minimum that one run found, for the commands that do.
namespace valley::app {

inline constexpr const char* kSharpnessFile = "sharpness.json";  ///< in a run folder

/// How the minimum of a run is measured: the flags of `valley sharpness`.
struct SharpnessFlags : InstrumentFlags {
  SharpnessFlags() { samples = 500; }

  std::vector<std::string> measures;  ///< none: all that apply
  double kappa = 2;
  std::string search = "bisect";
  double step = 0.1;
  std::string batch_norm = "average";
  int64_t draws = 20;
  double rho = 0.05;
  int64_t lanczos = 60;
  double memory = 6;
  bool normalise = false;
};

/// What they say, once they are known to make sense.
struct SharpnessRequest {
  std::vector<const MeasureEntry*> measures;
  bool required = false;  ///< a measure that a run lacks is an error, not a note
  MeasureOptions options;
  ObjectiveOptions objective;
};

/// Declares those that say what is measured, and how.
void add_measuring_flags(CLI::App& command, SharpnessFlags& flags);

/// @throws UsageError if one is out of range.
SharpnessRequest check_flags(const SharpnessFlags& flags);

/// Of measures asked for by name: whether every one has a meaning for some of the runs. Of one run
/// each is then required; where others lack it, their results say so.
/// @throws UsageError with the first run's reason for a measure that no run has.
void require_measurable(const std::vector<FinishedRun>& runs, const SharpnessFlags& flags,
                        SharpnessRequest& request);

/// The flags that decide the outcome, as sharpness.json holds them under "options".
Json options_of(const SharpnessFlags& flags);

/// Thrown where a person stops the measuring.
struct Stopped {};

/// What sharpness.json holds. @throws UsageError if the run diverged, or lacks a measure that is
///     required; Stopped soon after *stop has become true.
Json measure_sharpness(const FinishedRun& run, const SharpnessFlags& flags,
                       const SharpnessRequest& request, Progress& progress,
                       const std::atomic<bool>* stop = nullptr);

/// An earlier sharpness.json, if it is whole and was taken with these options; else null.
Json earlier_sharpness(const std::string& file, const Json& options);

/// `result`, and those measures of an earlier sharpness.json that were taken with the same options
/// and that it lacks.
Json with_earlier_measures(Json result, const std::string& file);

}  // namespace valley::app
