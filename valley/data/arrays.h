#pragma once

#include <string>

#include "valley/data/dataset.h"

namespace valley {

/// The arrays x_train.npy, y_train.npy, x_test.npy and y_test.npy of a folder, as numpy.save()
/// writes them; or the arrays of these names in one FILE.npz or FILE.safetensors, see
/// array_source.h for what is mapped and map_npy() for their types. Inputs that are mapped are
/// views of the files and are never copied whole: a set may be larger than the memory.
///
///     x [N]           read as   [N, 1, 1, 1]
///     x [N, F]                  [N, F, 1, 1]   features, each normalised by itself
///     x [N, T, F]               [N, 1, T, F]   sequences, or grey images
///     x [N, C, H, W]            as it is       images, each channel normalised by itself
///
///     y [N] or [N, 1] of whole numbers         classes, 0 to the largest one of training
///     y [N] or [N, K] of real numbers          K values an example, for the task regression; so
///                                              are whole ones with options.real_targets
///     y [N, K] of 0 and 1                      K labels, with options.many_labels
///
/// Mean and deviation are those of x_train.
/// @throws UsageError with the file, the place and the value: what map_npy() throws, shapes or
///     lengths that do not fit together, images with their channels last, a number that is not
///     finite, a label below 0 or one that training lacks.
DataSplits load_arrays(const std::string& path, const DataOptions& options);

}  // namespace valley
