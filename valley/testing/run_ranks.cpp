#include "valley/testing/run_ranks.h"

#include "valley/comm/group.h"
#include "valley/comm/testing/process_group_threads.h"

namespace valley {

std::vector<std::string> tested_backends() {
  std::vector<std::string> names = backend_names();
  names.emplace_back(kProcessGroup);
  return names;
}

MakeWorker make_ranks(int workers, const std::string& backend, double timeout_seconds) {
  return backend == kProcessGroup ? process_group_threads(workers, timeout_seconds)
                                  : find_backend(backend).in_threads(workers, timeout_seconds);
}

void run_ranks(int workers, const std::function<void(Communicator&)>& fn,
               const std::string& backend, double timeout_seconds) {
  const MakeWorker make = make_ranks(workers, backend, timeout_seconds);
  if (workers == 1) return fn(*make(0));
  run_workers(workers, make, fn);
}

}  // namespace valley
