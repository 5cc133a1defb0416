#include "app/environment.h"

#include <algorithm>
#include <cstdlib>

#include "valley/comm/backend_table.h"
#include "valley/core/error.h"

namespace valley::app {
namespace {

std::optional<WorkerEnvironment> environment(bool needs_master = true) {
  return read_environment([](const char* name) -> const char* { return std::getenv(name); },
                          needs_master);
}

bool is_by_mpi(const std::string& backend) {
  const auto& table = backend_table();
  return std::any_of(table.begin(), table.end(),
                     [&](const BackendFacts& b) { return b.name == backend && b.by_mpi; });
}

}  // namespace

std::optional<WorkerEnvironment> worker_environment(RunConfig& config, bool workers_given) {
  const bool by_mpi = is_by_mpi(config.backend);
  const auto found = environment(/*needs_master=*/!by_mpi);
  require(!by_mpi || (found && found->by_mpi),
          "--backend {0} needs workers that mpirun has started: mpirun -n {1} valley train "
          "--backend {0}",
          config.backend, config.workers);
  if (!found) return std::nullopt;
  config.launch = Launch::kProcesses;
  // Launchers, one a machine, which start the workers: these are as many as --workers says.
  const bool launchers = !config.elastic.empty() && found->gathered < 0;
  if (launchers) {
    require(found->launcher == Launcher::kByHand || found->launcher == Launcher::kSlurm,
            "--elastic is for launchers that outlive each other, by hand or under srun --no-kill; "
            "under "
            "{} a lost worker ends all, and --resume auto goes on with it",
            name(found->launcher));
    return found;
  }
  require(!workers_given || config.workers == found->size,
          "--workers {} contradicts the {} workers of {}", config.workers, found->size,
          name(found->launcher));
  config.workers = found->size;
  return found;
}

void require_no_launcher(const std::string& command) {
  if (const auto found = environment()) {
    throw UsageError(fmt::format("valley {} starts its own workers; call it without {}", command,
                                 name(found->launcher)));
  }
}

}  // namespace valley::app
