#pragma once

#include <functional>

#include "valley/comm/rendezvous.h"
#include "valley/runs/same_settings.h"
#include "valley/train/job.h"

namespace valley::app {

/// Looks what is in the run folder.
using FindStart = std::function<Start()>;

/// The token of the job, from --token-file or VALLEY_TOKEN. @throws UsageError, see read_token();
/// or if there is one and the backend cannot ask for it
std::string job_token(const RunConfig& config);

/// How a worker of the job joins the others, who must have the same settings.
JoinOptions job_join_options(const RunConfig& config, const WorkerEnvironment& environment,
                             const std::string& token);

/// Trains as the worker the environment describes. Worker 0 calls `find_start` and makes the run
/// folder, unless `valley --launch processes` has, and the others do as it found. It also calls
/// `report`, which gives the exit code.
int run_as_worker(RunConfig config, const WorkerEnvironment& environment, const std::string& token,
                  const FindStart& find_start, bool extend, bool quiet, bool json,
                  const std::function<int(const Summary&)>& report);

/// Starts config.workers processes of this program with these settings and watches them.
int launch_workers(const RunConfig& config, const std::string& token, bool resume, bool extend,
                   bool quiet, bool json);

}  // namespace valley::app
