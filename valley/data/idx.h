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

/// The four files of MNIST or a set in its format (Fashion-MNIST, KMNIST; ten classes) in `folder`:
/// train-images-idx3-ubyte, train-labels-idx1-ubyte and t10k-..., each also as .gz and also spelled
/// train-images.idx3-ubyte. `usage` ("mnist:PATH") and `remedy` go into the errors.
DataSplits load_mnist_format(const std::string& folder, const std::string& usage,
                             const std::string& remedy);

}  // namespace valley
