#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "valley/data/dataset.h"
#include "valley/data/partition.h"

namespace valley {

/// Some of the training examples, for measuring, and which of them each worker trains on.
struct TrainingSample {
  std::shared_ptr<const Dataset> data;
  Partition partition;  ///< indices into `data`; empty: all workers share all
};

/// `count` examples, drawn from `seed` as by stratified_indices(); 0, or as many as there are: all.
/// `spec` is that of the training. `flag` is named in errors.
/// @throws UsageError if there are fewer than workers, or none of one worker's.
TrainingSample draw_training_sample(const std::shared_ptr<const Dataset>& train, int64_t count,
                                    uint64_t seed, const PartitionSpec& spec, int workers,
                                    const std::string& flag);

}  // namespace valley
