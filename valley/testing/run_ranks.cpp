#include "valley/testing/run_ranks.h"

#include "valley/comm/gloo.h"
#include "valley/comm/group.h"

namespace valley {

std::string_view name(Backend backend) { return backend == Backend::kThread ? "thread" : "gloo"; }

void run_ranks(int workers, const std::function<void(Communicator&)>& fn, Backend backend,
               double timeout_seconds) {
  if (backend == Backend::kThread) {
    run_threads(workers, fn, timeout_seconds);
  } else {
    run_gloo_threads(workers, fn, timeout_seconds);
  }
}

void run_gloo_threads(int workers, const std::function<void(Communicator&)>& fn,
                      double timeout_seconds) {
  const std::shared_ptr<Store> store = make_hash_store();
  run_workers(
      workers,
      [&](int rank) {
        GlooOptions options;
        options.rank = rank;
        options.size = workers;
        options.timeout_seconds = timeout_seconds;
        return make_gloo(options, store);
      },
      fn);
}

void for_each_backend(const std::function<void(Backend)>& fn) {
  fn(Backend::kThread);
  fn(Backend::kGloo);
}

}  // namespace valley
