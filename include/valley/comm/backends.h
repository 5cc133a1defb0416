#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "valley/comm/backend_table.h"
#include "valley/comm/communicator.h"
#include "valley/comm/join.h"
#include "valley/comm/stall_watch.h"

namespace valley {

/// Makes the communicator of the worker `rank` of a group; each worker calls it once, on its own
/// thread.
using MakeWorker = std::function<std::unique_ptr<Communicator>(int rank)>;

/// What workers of one group talk through. A group of one is solo, whatever the backend.
struct BackendEntry : BackendFacts {
  Capabilities capabilities;  ///< those of its communicators

  /// A group whose workers are threads of this process, as the tests run every backend; null where
  /// only a launcher makes workers.
  MakeWorker (*in_threads)(int workers, double timeout_seconds, const StallWatch& stalls);

  /// This process as a worker of a group of processes; null where workers share memory, which
  /// processes do not.
  std::unique_ptr<Communicator> (*join)(const JoinOptions& options) = nullptr;
};

/// The backends of backend_table(), in its order.
const std::vector<BackendEntry>& backends();
std::vector<std::string> backend_names();

/// @throws UsageError for an unknown name (the nearest is offered).
const BackendEntry& find_backend(const std::string& name);

/// That of --backend, or with "auto" the first of the table that goes with `launch`, "threads" or
/// "processes". @throws UsageError if it is unknown or does not go with it.
const BackendEntry& choose_backend(const std::string& name, const std::string& launch);

/// Runs fn(comm) on `workers` threads (1: on the calling thread) and joins them; see run_workers().
void run_group(const BackendEntry& backend, int workers,
               const std::function<void(Communicator&)>& fn, double timeout_seconds = 300,
               const StallWatch& stalls = {});

}  // namespace valley
