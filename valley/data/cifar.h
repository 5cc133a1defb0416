#pragma once

#include <string>

#include "valley/data/dataset.h"

namespace valley {

/// CIFAR-10 and CIFAR-100 in their binary form: records of one label (CIFAR-100: coarse, then fine;
/// the fine one is used) and 3 x 32 x 32 bytes, red plane first. `path` is the folder of the files
/// (data_batch_1.bin to data_batch_5.bin and test_batch.bin; train.bin and test.bin) or the folder
/// that holds it as cifar-10-batches-bin or cifar-100-binary.
/// @throws UsageError for a missing or empty file, one that is no whole number of records, a label
///     out of range.
///
/// Reference: Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
DataSplits load_cifar10(const std::string& path);
DataSplits load_cifar100(const std::string& path);

}  // namespace valley
