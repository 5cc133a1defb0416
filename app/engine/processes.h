#pragma once

#include <functional>
#include <optional>
#include <string>

#include "valley/comm/launcher.h"
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

/// The place among several launchers, one a machine, of a process that others have started to train
/// with `elastic`; nothing where it is a worker. @throws UsageError if they do not divide the
/// workers
std::optional<LaunchSite> launch_site(const RunConfig& config,
                                      const std::optional<WorkerEnvironment>& environment);

/// Starts config.workers processes of this program with these settings, at a site its share of
/// them, and watches them. Another launcher than the first takes its run folder, and whether it is
/// resumed, from the first.
int launch_workers(const RunConfig& config, const std::string& token, bool resume, bool extend,
                   bool quiet, bool json, const std::optional<LaunchSite>& site);

}  // namespace valley::app
