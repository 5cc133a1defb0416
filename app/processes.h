#pragma once

#include <functional>
#include <optional>

#include "valley/comm/rendezvous.h"
#include "valley/train/job.h"

namespace valley::app {

/// Whether this process is one worker of several, by its environment; then config.workers is
/// theirs. `workers_given`: --workers was on the command line and must agree.
/// @throws UsageError for a contradictory environment.
std::optional<WorkerEnvironment> worker_environment(RunConfig& config, bool workers_given);

/// Trains as the worker the environment describes; worker 0 makes the run folder, unless
/// `valley --launch processes` has. `report` is called by worker 0 and gives the exit code.
int run_as_worker(RunConfig config, const WorkerEnvironment& environment, bool resume, bool quiet,
                  bool json, const std::function<int(const Summary&)>& report);

/// Starts config.workers processes of this program with these settings and watches them.
int launch_workers(const RunConfig& config, bool resume, bool quiet, bool json);

}  // namespace valley::app
