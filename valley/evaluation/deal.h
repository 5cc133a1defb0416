#pragma once

#include <algorithm>
#include <memory>

#include "valley/comm/communicator.h"
#include "valley/data/dataset.h"
#include "valley/data/loader.h"

namespace valley {

/// How many batches deal_batches() cuts n examples into.
inline int64_t dealt_batches(int64_t n, int64_t batch_size) {
  const int64_t batches = (n + batch_size - 1) / batch_size;
  return batches > 1 && n % batch_size == 1 ? batches - 1 : batches;
}

/// How many examples the smallest of them has.
inline int64_t smallest_dealt_batch(int64_t n, int64_t batch_size) {
  const int64_t batches = dealt_batches(n, batch_size);
  return batches == 1 ? n : std::min(batch_size, n - (batches - 1) * batch_size);
}

/// Cuts a data set into batches in stored order and calls f(batch) for those of this worker: batch
/// b belongs to worker b mod M. So the batches are the same for every number of workers. A single
/// example left over joins the batch before it: BatchNorm has no variance for one alone.
/// The batches are on `device`.
template <typename F>
void deal_batches(const std::shared_ptr<const Dataset>& data, const Dataset& statistics,
                  const Communicator& comm, int64_t batch_size, at::Device device, const F& f) {
  Loader loader(data, statistics, Augmentation{}, /*seed=*/0, /*worker=*/0, device);
  const int64_t n = data->size();
  const int64_t batches = dealt_batches(n, batch_size);
  for (int64_t b = comm.rank(); b < batches; b += comm.size()) {
    f(loader.range(b * batch_size, b + 1 == batches ? n : (b + 1) * batch_size));
  }
}

}  // namespace valley
