#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "valley/data/dataset.h"

namespace valley {

/// An IDX file of unsigned bytes, gzipped or not: a big-endian header (two zero bytes, 0x08 for
/// bytes, the number of dimensions, each dimension as 32 bits), then the values, last index
/// fastest.
/// @throws UsageError for a wrong magic number, a size other than the header says, an empty file.
///     A header is believed only as far as there are bytes: no memory is taken on its word.
///
/// Reference: LeCun, Cortes and Burges, "The MNIST database of handwritten digits".
at::Tensor read_idx(const std::string& path, int dimensions);

/// MNIST or a set in its format (Fashion-MNIST, KMNIST, EMNIST); find_idx_files() says which files
/// these are. Labels stay as they are, and the largest of the training split says how many classes
/// there are: 27 for EMNIST's letters, 1 to 26 and a class 0 without images.
/// @throws UsageError for files that are missing, damaged or do not fit together; for a test label
///     above all training labels.
DataSplits load_mnist_format(const std::string& path, const std::string& usage,
                             const std::string& remedy);

}  // namespace valley
