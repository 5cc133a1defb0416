#include "app/environment.h"

#include <cstdlib>

#include "valley/core/error.h"

namespace valley::app {
namespace {

std::optional<WorkerEnvironment> environment() {
  return read_environment([](const char* name) -> const char* { return std::getenv(name); });
}

}  // namespace

std::optional<WorkerEnvironment> worker_environment(RunConfig& config, bool workers_given) {
  const auto found = environment();
  if (!found) return std::nullopt;
  require(!workers_given || config.workers == found->size,
          "--workers {} contradicts the {} workers of {}", config.workers, found->size,
          name(found->launcher));
  config.workers = found->size;
  config.launch = Launch::kProcesses;
  return found;
}

void require_no_launcher(const std::string& command) {
  if (const auto found = environment()) {
    throw UsageError(fmt::format("valley {} starts its own workers; call it without {}", command,
                                 name(found->launcher)));
  }
}

}  // namespace valley::app
