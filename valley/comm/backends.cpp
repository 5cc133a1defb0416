#include "valley/comm/backends.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "valley/comm/gloo.h"
#include "valley/comm/group.h"
#include "valley/comm/host_communicator.h"
#include "valley/comm/mpi.h"
#include "valley/comm/nccl.h"
#include "valley/comm/store.h"
#include "valley/core/error.h"
#include "valley/core/names.h"

namespace valley {
namespace {

MakeWorker threads_that_share_memory(int workers, double timeout_seconds,
                                     const StallWatch& stalls) {
  using Workers = std::vector<std::unique_ptr<Communicator>>;
  const auto group = std::make_shared<Workers>(make_thread_group(workers, timeout_seconds, stalls));
  return [group](int rank) { return std::move((*group)[static_cast<size_t>(rank)]); };
}

MakeWorker threads_over_sockets(int workers, double timeout_seconds, const StallWatch& stalls) {
  return [=, store = make_hash_store()](int rank) {
    JoinOptions options{.rank = rank, .size = workers};
    options.timeout_seconds = timeout_seconds;
    options.stall_seconds = stalls.seconds;
    options.on_stall = stalls.tell;
    return make_gloo(options, store);
  };
}

struct Maker {
  const char* name;
  Capabilities capabilities;
  decltype(BackendEntry::in_threads) in_threads;
  decltype(BackendEntry::join) join = nullptr;
};

// What backend_table.h cannot have, since it is known without LibTorch.
const std::vector<Maker>& makers() {
  static const std::vector<Maker> table = {
      {"thread", host_capabilities(/*shares_memory=*/true), &threads_that_share_memory},
      {"gloo", host_capabilities(/*shares_memory=*/false), &threads_over_sockets, &make_gloo},
#ifdef VALLEY_HAS_MPI
      {"mpi", host_capabilities(/*shares_memory=*/false), nullptr, &make_mpi},
#endif
#ifdef VALLEY_HAS_NCCL
      {"nccl", nccl_capabilities(), nullptr, &make_nccl},
#endif
  };
  return table;
}

BackendEntry entry_of(const BackendFacts& facts) {
  for (const Maker& maker : makers()) {
    if (maker.name == facts.name) return {facts, maker.capabilities, maker.in_threads, maker.join};
  }
  throw std::logic_error("no maker for the backend " + facts.name);
}

}  // namespace

const std::vector<BackendEntry>& backends() {
  static const std::vector<BackendEntry> entries = [] {
    std::vector<BackendEntry> all;
    for (const BackendFacts& facts : backend_table()) all.push_back(entry_of(facts));
    return all;
  }();
  return entries;
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
               const std::function<void(Communicator&)>& fn, double timeout_seconds,
               const StallWatch& stalls) {
  require(backend.in_threads != nullptr, "{} {} needs {}", Key{"backend"}, backend.name,
          backend.started_by);
  const MakeWorker make = backend.in_threads(workers, timeout_seconds, stalls);
  if (workers == 1) return fn(*make(0));
  run_workers(workers, make, fn);
}

}  // namespace valley
