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
       .needs = "TCP; a store at MASTER_ADDR:MASTER_PORT"},
  };
  return table;
}

void check_backend_name(const std::string& name) {
#ifndef VALLEY_LIBTORCH_HAS_CUDA
  require(name != "nccl", "{} nccl needs NCCL, and this LibTorch has none", Key{"backend"});
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
  require(!in_threads || backend.shares_memory,
          "{} {} needs {} processes, torchrun, mpirun or srun", Key{"backend"}, name,
          Key{"launch"});
  return backend;
}

}  // namespace valley
