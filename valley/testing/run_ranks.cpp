#include "valley/testing/run_ranks.h"

namespace valley {

void run_ranks(int workers, const std::function<void(Communicator&)>& fn,
               const std::string& backend, double timeout_seconds) {
  run_group(find_backend(backend), workers, fn, timeout_seconds);
}

}  // namespace valley
