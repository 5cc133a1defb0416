#pragma once

#include <functional>
#include <optional>

#include "valley/comm/rendezvous.h"
#include "valley/runs/same_settings.h"
#include "valley/train/job.h"

namespace valley::app {

/// Whether this process is one worker of several, by its environment; then config.workers is
/// theirs. `workers_given`: --workers was on the command line and must agree.
/// @throws UsageError for a contradictory environment.
std::optional<WorkerEnvironment> worker_environment(RunConfig& config, bool workers_given);

/// Looks what is in the run folder.
using FindStart = std::function<Start()>;

/// Trains as the worker the environment describes. Worker 0 calls `find_start` and makes the run
/// folder, unless `valley --launch processes` has, and the others do as it found. It also calls
/// `report`, which gives the exit code.
int run_as_worker(RunConfig config, const WorkerEnvironment& environment,
                  const FindStart& find_start, bool quiet, bool json,
                  const std::function<int(const Summary&)>& report);

/// Starts config.workers processes of this program with these settings and watches them.
int launch_workers(const RunConfig& config, bool resume, bool quiet, bool json);

}  // namespace valley::app
