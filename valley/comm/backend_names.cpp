#include "valley/comm/backend_names.h"

#include <algorithm>

#include "valley/core/error.h"
#include "valley/core/names.h"

namespace valley {

const std::vector<BackendName>& backend_table() {
  static const std::vector<BackendName> table = {
      {"thread", true},
      {"gloo", false},
  };
  return table;
}

void check_backend_name(const std::string& name) {
  std::vector<std::string> known = {"auto"};
  for (const BackendName& backend : backend_table()) known.push_back(backend.name);
  choose("backend", name, known);
}

const BackendName& choose_backend_name(const std::string& name, bool in_threads) {
  check_backend_name(name);
  const auto& table = backend_table();
  const BackendName& backend = *std::find_if(table.begin(), table.end(), [&](const auto& b) {
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
