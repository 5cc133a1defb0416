#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "valley/comm/communicator.h"
#include "valley/comm/stall_watch.h"

namespace valley {

/// One worker: every operation is the identity. A full backend, so one worker runs the same code.
/// `global_rank` is what a group of which it is a part calls it.
std::unique_ptr<Communicator> make_solo(int global_rank = 0);

/// M communicators that share memory, for M threads of this process. Index = rank.
/// @throws UsageError if workers < 1.
std::vector<std::unique_ptr<Communicator>> make_thread_group(int workers,
                                                             double timeout_seconds = 300,
                                                             StallWatch stalls = {});

/// Runs fn(comm) on `workers` threads (1: solo, on the calling thread) and joins them. A worker
/// that throws aborts the group; the first real error (not a peer's echo of it) is rethrown.
void run_threads(int workers, const std::function<void(Communicator&)>& fn,
                 double timeout_seconds = 300);

/// The same for any backend: each thread makes its own communicator, make(rank), and destroys it
/// when its fn returns or throws.
void run_workers(int workers, const std::function<std::unique_ptr<Communicator>(int)>& make,
                 const std::function<void(Communicator&)>& fn);

}  // namespace valley
