#pragma once

#include <memory>

#include "valley/comm/communicator.h"
#include "valley/comm/mpi_mesh.h"
#include "valley/comm/stall_watch.h"

namespace valley {

/// The worker of that group. The others make theirs at the same time.
std::unique_ptr<Communicator> make_mpi_worker(MpiLibrary& mpi, MpiMesh::Group group,
                                              std::shared_ptr<const ProcessWatch> watch,
                                              double timeout_seconds, const StallWatch& stalls);

}  // namespace valley
