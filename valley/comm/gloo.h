#pragma once

#include <memory>

#include "valley/comm/communicator.h"
#include "valley/comm/join.h"
#include "valley/comm/store.h"

namespace valley {

/// One worker of a group of processes, over TCP. size 1: solo, without any connection.
///
/// An operation starts with 64 bytes from everyone to everyone, (operation, size, dtype,
/// sequence number, stop), so that a mismatch is named. all_reduce is a ring, pipelined over
/// blocks: every worker sends and receives 2 (M-1)/M of its vector; all_gather and exchange are
/// direct; broadcast is a binomial tree.
///
/// The name is older than its sockets, which were those of the library Gloo until 0.2. LibTorch has
/// that library too, either one that others share or one of its own with the same symbols, and a
/// process bears one of them only.
///
/// Names are never looked up but the master's: what a machine's own name resolves to (127.0.1.1 on
/// a stock Debian) says nothing of where others reach it.
///
/// Joining, the workers compare job, version, size and card; see meet().
///
/// @throws UsageError for options out of range, an interface that is not there, and workers that do
/// not belong together; CommError if a worker does not join in time.
std::unique_ptr<Communicator> make_gloo(const JoinOptions& options);

/// The same over any store, e.g. for workers that are threads of one process. Options about the
/// master are not read.
std::unique_ptr<Communicator> make_gloo(const JoinOptions& options, std::shared_ptr<Store> store);

}  // namespace valley
