#pragma once

#include <functional>
#include <string>
#include <vector>

#include "valley/comm/backends.h"
#include "valley/comm/communicator.h"

namespace valley {

/// The backends of backends(), and "c10d": a process group of c10d, which is none of the program's.
std::vector<std::string> tested_backends();

/// Makes ranks of such a backend, each on its own thread; see BackendEntry::in_threads.
MakeWorker make_ranks(int workers, const std::string& backend, double timeout_seconds);

/// Runs fn(comm) as `workers` ranks, each a thread of this process, over the backend of that name,
/// and rethrows the first real error. One worker is solo, whatever the backend. Over sockets the
/// connections are real, over loopback, found through a store in this process; 40 to 110 ms for 2
/// to 4 ranks.
void run_ranks(int workers, const std::function<void(Communicator&)>& fn,
               const std::string& backend = "thread", double timeout_seconds = 30);

}  // namespace valley
