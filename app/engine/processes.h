#pragma once

#include <functional>

#include "valley/comm/rendezvous.h"
#include "valley/runs/same_settings.h"
#include "valley/train/job.h"

namespace valley::app {

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
