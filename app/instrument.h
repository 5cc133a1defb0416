#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "valley/analysis/objective.h"
#include "valley/record/json_file.h"
#include "valley/record/progress.h"
#include "valley/runs/finished_run.h"

/// What the commands that look at finished runs have in common.
namespace valley::app {

struct InstrumentFlags {
  std::vector<std::string> runs;
  int64_t samples = 1000;
  int64_t seed = 0;
  int64_t workers = 0;
  bool json = false;
  bool quiet = false;

  uint64_t seed_bits() const { return static_cast<uint64_t>(seed); }
};

/// Declares --samples and --seed. The texts say what they are of; the defaults are what `flags`
/// holds.
void add_sample_flags(CLI::App& command, InstrumentFlags& flags, const std::string& samples,
                      const std::string& seed);

/// Declares the others.
void add_run_flags(CLI::App& command, InstrumentFlags& flags);

/// open_runs() of those given; on the standard error, which ones are left out and why.
std::vector<FinishedRun> open_given(const InstrumentFlags& flags, RunsAre use = RunsAre::kWritten);

/// @throws UsageError if one is out of range.
void check(const InstrumentFlags& flags);

/// The examples that --samples and --seed choose of a data set: all of it, or a balanced part.
std::shared_ptr<const Dataset> examples_of(const std::shared_ptr<const Dataset>& data,
                                           const InstrumentFlags& flags);

/// What --batch-norm says: "average" or "probe". @throws UsageError
BatchNormAt parse_batch_norm(const std::string& text);

/// @throws UsageError if the loss of the run's average is no number.
void require_finite(double loss, const FinishedRun& run);

/// look(run, progress) for each, with a bar on the standard error unless --quiet and, of several,
/// the run's name above it.
void for_each_run(const std::vector<FinishedRun>& runs, const InstrumentFlags& flags,
                  const std::function<void(size_t run, Progress& progress)>& look);

/// What every result says of its run: run, algorithm, model, data.
Json about(const FinishedRun& run);

/// The result as JSON with --json, else as text. The exit code.
int show(const Json& result, const std::string& text, const InstrumentFlags& flags);

}  // namespace valley::app
