#include "valley/comm/backend_table.h"

#include <algorithm>

#include "valley/core/error.h"
#include "valley/core/names.h"

namespace valley {

const std::vector<BackendFacts>& backend_table() {
  static const std::vector<BackendFacts> table = {
      {.name = "thread",
       .summary = "threads of one process that read each other's memory",
       .shares_memory = true,
       .devices = "cpu or cuda",
       .sums = "float or double",
       .needs = "nothing, no ports"},
      {.name = "gloo",
       .summary = "processes of one machine or several, each connected to each",
       .shares_memory = false,
       .devices = "cpu",
       .sums = "float or double",
       .needs = "TCP; a store at MASTER_ADDR:MASTER_PORT",
       .started_by = fmt::format("{} processes, torchrun, mpirun or srun", Key{"launch"})},
#ifdef VALLEY_HAS_MPI
      {.name = "mpi",
       .summary = "processes of one machine or several that mpirun has started",
       .shares_memory = false,
       .devices = "cpu",
       .sums = "float or double",
       .needs = "libmpi; no ports",
       .started_by = "mpirun, or srun with a plugin for MPI",
       .by_mpi = true},
#endif
#ifdef VALLEY_HAS_NCCL
      {.name = "nccl",
       .summary = "processes with a GPU each, of one machine or several",
       .shares_memory = false,
       .devices = "cpu or cuda",
       .sums = "float or double",
       .needs = "a GPU a worker; TCP; a store at MASTER_ADDR:MASTER_PORT",
       .started_by = fmt::format("{} processes, torchrun, mpirun or srun", Key{"launch"})},
#endif
  };
  return table;
}

void check_backend_name(const std::string& name) {
#ifndef VALLEY_HAS_NCCL
  require(name != "nccl", "{} nccl needs NCCL, and this LibTorch has none", Key{"backend"});
#endif
#ifndef VALLEY_HAS_MPI
  require(name != "mpi", "{} mpi is not part of this program: no MPI was there when it was built",
          Key{"backend"});
#endif
  std::vector<std::string> known = {"auto"};
  for (const BackendFacts& backend : backend_table()) known.push_back(backend.name);
  choose("backend", name, known);
}

const BackendFacts& choose_backend_name(const std::string& name, bool in_threads) {
  check_backend_name(name);
  const auto& table = backend_table();
  const BackendFacts& backend = *std::find_if(table.begin(), table.end(), [&](const auto& b) {
    return name == "auto" ? b.shares_memory == in_threads : b.name == name;
  });
  require(in_threads || !backend.shares_memory, "{} {} needs {} threads: processes share no memory",
          Key{"backend"}, name, Key{"launch"});
  require(!in_threads || backend.shares_memory, "{} {} needs {}", Key{"backend"}, name,
          backend.started_by);
  return backend;
}

}  // namespace valley
