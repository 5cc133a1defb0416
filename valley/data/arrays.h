#pragma once

#include <string>

#include "valley/data/dataset.h"

namespace valley {

/// The arrays x_train.npy, y_train.npy, x_test.npy and y_test.npy of a folder, as numpy.save()
/// writes them; see map_npy() for their types. Inputs are views of the files and are never copied
/// whole: a set may be larger than the memory.
///
///     x [N]           read as   [N, 1, 1, 1]
///     x [N, F]                  [N, F, 1, 1]   features, each normalised by itself
///     x [N, T, F]               [N, 1, T, F]   sequences, or grey images
///     x [N, C, H, W]            as it is       images, each channel normalised by itself
///
///     y [N] or [N, 1] of whole numbers         classes, 0 to the largest one of training
///     y [N] or [N, K] of real numbers          K values an example, for the task regression; so
///                                              are whole ones with options.real_targets
///
/// Mean and deviation are those of x_train.
/// @throws UsageError with the file, the place and the value: what map_npy() throws, shapes or
///     lengths that do not fit together, images with their channels last, a number that is not
///     finite, a label below 0 or one that training lacks.
DataSplits load_arrays(const std::string& folder, const DataOptions& options);

}  // namespace valley
