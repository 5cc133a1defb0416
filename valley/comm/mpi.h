#pragma once

#include <functional>
#include <memory>

#include "valley/comm/communicator.h"
#include "valley/comm/join.h"

namespace valley {

/// One worker of an mpirun, over MPI: libmpi is loaded here, see MpiLibrary. size 1: solo, without
/// it.
///
/// What is said is what `gloo` says (MeshCommunicator), in messages of MPI instead of sockets of
/// Valley's own, so that the bits are the same; MPI chooses between shared memory, TCP and whatever
/// network it knows. There is no store and no port: rank and size are MPI's, the workers compare
/// their cards in its messages, and who fails tells the others so.
///
/// mpirun ends all workers when one has died, and gives them about a second (SIGTERM, then
/// SIGKILL). In that time they see it, where the process was one of their machine; else a worker
/// that is lost is one that does not come in time.
///
/// @throws UsageError for options out of range, if mpirun did not start this process or MPI counts
/// other workers, if MPI cannot be loaded, and if the workers do not belong together; CommError if
/// a worker does not join in time.
std::unique_ptr<Communicator> make_mpi(const JoinOptions& options);

/// Of the first options.size workers of MPI_COMM_WORLD, which all call it, several times if they
/// like; the rank is MPI's.
std::unique_ptr<Communicator> join_mpi(const JoinOptions& options);

}  // namespace valley
