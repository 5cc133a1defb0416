#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "valley/comm/communicator.h"

namespace valley {

/// Those of backends() that ranks can be had of here: as threads. Under mpirun, with
/// VALLEY_TEST_BACKEND=mpi, each process is one rank, and `mpi` is all there is.
std::vector<std::string> rank_backends();

/// And "c10d", a process group of c10d, which is none of the program's; not under mpirun.
std::vector<std::string> tested_backends();

/// What a test puts around a rank's communicator.
using WrapRank = std::function<std::unique_ptr<Communicator>(std::unique_ptr<Communicator>)>;

/// Runs fn(comm) as `workers` ranks, each a thread of this process, over the backend of that name,
/// and rethrows the first real error. One worker is solo, whatever the backend. Over sockets the
/// connections are real, over loopback, found through a store in this process; 40 to 110 ms for 2
/// to 4 ranks.
///
/// Under mpirun all processes call it; the first `workers` are the ranks, each throws what its own
/// fn threw, and nobody goes on before all have ended.
void run_ranks(int workers, const std::function<void(Communicator&)>& fn,
               const std::string& backend = "thread", double timeout_seconds = 30,
               const WrapRank& wrap = {});

/// What the ranks have written, each at its place of `by_rank`: itself, but under mpirun, where
/// every process has only what its own rank wrote.
std::vector<std::string> written_by_all(const std::string& backend,
                                        std::vector<std::string> by_rank);

}  // namespace valley
