#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "valley/data/options.h"

namespace valley {

/// partition[m]: the indices of worker m's examples, ascending. Empty: all share all (`iid`).
using Partition = std::vector<std::vector<int64_t>>;

/// The parts of `workers` workers; every example is in exactly one. The same on every worker, since
/// all is drawn from spec.seed. `targets` [N] int64 in [0, classes); `origins` as a Dataset has
/// them.
/// @throws UsageError if there are fewer examples than workers or shards, a class has none, or
///     origins are unknown or fewer than workers.
Partition make_partition(const at::Tensor& targets, int64_t classes, int workers,
                         const PartitionSpec& spec, const at::Tensor& origins = {});

/// counts[m][c]: how many examples of class c worker m has.
struct ClassHistogram {
  std::vector<std::vector<int64_t>> counts;  // [M, classes]
};

ClassHistogram class_histogram(const at::Tensor& targets, int64_t classes,
                               const Partition& partition);

/// Lines for a person, the last without a line end:
///
///     worker  samples  class 0  1  2
///          0        5        3  2  0
///          1        4        0  1  3
///
/// Of more than 20 classes only how many a worker has, and the largest one's share.
std::string histogram_table(const ClassHistogram& histogram);

}  // namespace valley
