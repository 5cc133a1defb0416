#include "valley/comm/backends.h"

#include <algorithm>
#include <utility>

#include "valley/comm/backend_names.h"
#include "valley/comm/gloo.h"
#include "valley/comm/group.h"
#include "valley/comm/host_communicator.h"
#include "valley/comm/store.h"
#include "valley/core/error.h"
#include "valley/core/names.h"

namespace valley {
namespace {

MakeWorker threads_that_share_memory(int workers, double timeout_seconds) {
  using Workers = std::vector<std::unique_ptr<Communicator>>;
  const auto group = std::make_shared<Workers>(make_thread_group(workers, timeout_seconds));
  return [group](int rank) { return std::move((*group)[static_cast<size_t>(rank)]); };
}

MakeWorker threads_over_sockets(int workers, double timeout_seconds) {
  return [=, store = make_hash_store()](int rank) {
    JoinOptions options{.rank = rank, .size = workers};
    options.timeout_seconds = timeout_seconds;
    return make_gloo(options, store);
  };
}

}  // namespace

const std::vector<BackendEntry>& backends() {
  static const std::vector<BackendEntry> table = {
      {"thread", "threads of one process that read each other's memory",
       host_capabilities(/*shares_memory=*/true), "nothing, no ports", &threads_that_share_memory},
      {"gloo", "processes of one machine or several, each connected to each",
       host_capabilities(/*shares_memory=*/false), "TCP; a store at MASTER_ADDR:MASTER_PORT",
       &threads_over_sockets, &make_gloo},
  };
  return table;
}

std::vector<std::string> backend_names() {
  std::vector<std::string> names;
  for (const BackendEntry& entry : backends()) names.push_back(entry.name);
  return names;
}

const BackendEntry& find_backend(const std::string& name) {
  return backends()[choose("backend", name, backend_names())];
}

const BackendEntry& choose_backend(const std::string& name, const std::string& launch) {
  return find_backend(choose_backend_name(name, launch == "threads").name);
}

void run_group(const BackendEntry& backend, int workers,
               const std::function<void(Communicator&)>& fn, double timeout_seconds) {
  const MakeWorker make = backend.in_threads(workers, timeout_seconds);
  if (workers == 1) return fn(*make(0));
  run_workers(workers, make, fn);
}

}  // namespace valley
