#pragma once

#include <functional>

#include "app/engine/processes.h"

namespace valley::app {

/// As run_as_worker(), for a worker that its launcher gathers with others (environment.gathered):
/// whoever of them dies is done without. `find_start` says what the first of all finds.
/// @throws what a training throws; CommError if too few are left, or the others went on without it
int run_as_elastic_worker(const RunConfig& config, const WorkerEnvironment& environment,
                          const std::string& token, const FindStart& find_start, bool quiet,
                          bool json, const std::function<int(const Summary&)>& report);

}  // namespace valley::app
