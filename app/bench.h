#pragma once

#include <optional>

#include "valley/comm/rendezvous.h"
#include "valley/train/round_bench_options.h"
#include "valley/train/run_config.h"

namespace valley::app {

/// What `valley bench` is asked for: of `config` the method and its workers.
struct BenchRequest {
  RunConfig config;
  RoundBenchOptions options;
  bool json = false;
  std::optional<WorkerEnvironment> environment;  ///< if this process is one of several
};

}  // namespace valley::app
