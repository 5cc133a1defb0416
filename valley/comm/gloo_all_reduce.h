#pragma once

#include <cstdint>
#include <vector>

#include "valley/comm/chunks.h"

namespace valley {

/// Slots that an operation has for itself: its number times this is the first.
inline constexpr uint64_t kSlotsPerCall = 1 << 16;

struct AllReduceOptions {
  uint64_t first_slot;         ///< 2 (M-1) slots from here on are used
  std::vector<char>* scratch;  ///< kept between calls, because fresh pages cost as much as a sum
};

/// out <- sum over workers of in, [n]; `out` may be `in`. Scalar: float, double. M >= 2.
///
/// Two workers send each other everything, in messages of 1 MiB that are all under way from the
/// start; each adds what arrives where it has to end up. That is as much data as a
/// reduce-scatter with an all-gather, but nothing waits for the other's sum, and the sum and the
/// callback read a message while it is in the cache.
///
/// More workers form a ring. The vector is cut into chunks, a chunk into M blocks. A block
/// travels once around the ring and collects the sum (M-1 steps), then once more to bring it to
/// everyone (M-1 steps). Chunk c makes its step s at time c + s, so that the steps of many chunks
/// are under way at once and a worker adds and calls back while the next data arrives. A block is
/// summed along one path and then copied: the same bits everywhere.
///
/// Cost: 2 (M-1) n / M values sent by every worker. Scratch: none out of place; in place, 4 MiB for
/// two workers, else 2 (M+1) MiB. Mesh: TcpMesh, MpiMesh, GroupMesh.
template <typename Mesh, typename Scalar>
void gloo_all_reduce(Mesh& mesh, const AllReduceOptions& options, const Scalar* in, Scalar* out,
                     int64_t n, const ChunkCallback& on_chunk);

}  // namespace valley
