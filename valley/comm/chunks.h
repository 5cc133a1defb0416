#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>

namespace valley {

/// Called with [begin, end) of the flattened output as soon as that part is final, in increasing
/// order, on the calling thread, while the part is still in cache.
using ChunkCallback = std::function<void(int64_t begin, int64_t end)>;

/// Small enough that a chunk of input, of output and of the callback's own vector stay in a
/// core's L2 cache (1 MiB), large enough that a call per chunk costs nothing.
inline constexpr int64_t kChunkBytes = 128 << 10;

/// Calls f(begin, end) for consecutive chunks of about kChunkBytes that cover [0, numel).
template <typename F>
void for_each_chunk(int64_t numel, int64_t element_bytes, const F& f) {
  const int64_t step = std::max<int64_t>(1, kChunkBytes / element_bytes);
  for (int64_t begin = 0; begin < numel; begin += step) f(begin, std::min(numel, begin + step));
}

/// memcpy that allows null pointers where there is nothing to copy (empty tensors have them).
inline void copy_bytes(void* to, const void* from, size_t bytes) {
  if (bytes > 0 && to != from) std::memcpy(to, from, bytes);
}

}  // namespace valley
