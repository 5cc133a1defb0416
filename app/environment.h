#pragma once

#include <optional>
#include <string>

#include "valley/comm/rendezvous.h"
#include "valley/train/run_config.h"

/// Whether somebody else started this process, as one of several.
namespace valley::app {

/// Whether this process is one worker of several, by its environment; then config.workers is
/// theirs. `workers_given`: --workers was on the command line and must agree.
/// @throws UsageError for a contradictory environment.
std::optional<WorkerEnvironment> worker_environment(RunConfig& config, bool workers_given);

/// @throws UsageError under a launcher, for a command that starts its own workers.
void require_no_launcher(const std::string& command);

}  // namespace valley::app
