#pragma once

#include <functional>
#include <string_view>

#include "valley/comm/communicator.h"

namespace valley {

enum class Backend { kThread, kGloo };
std::string_view name(Backend backend);

/// Runs fn(comm) as `workers` ranks, each a thread of this process, and rethrows the first real
/// error. One worker is solo, whatever the backend. kGloo: real connections over loopback, found
/// through a store in this process; 40 to 110 ms for 2 to 4 ranks.
void run_ranks(int workers, const std::function<void(Communicator&)>& fn,
               Backend backend = Backend::kThread, double timeout_seconds = 30);

/// run_ranks() with Backend::kGloo.
void run_gloo_threads(int workers, const std::function<void(Communicator&)>& fn,
                      double timeout_seconds = 30);

/// fn(backend) for every backend that this machine can run.
void for_each_backend(const std::function<void(Backend)>& fn);

}  // namespace valley
