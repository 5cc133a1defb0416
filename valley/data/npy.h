#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace valley {

/// The array that numpy.save() wrote, as a view of the file: its pages are read when somebody looks
/// at them, and belong to the system's cache, not to this process.
///
///     float16/32/64, int8/16/32/64, uint8    as they are
///     bool                                   as int8, 0 and 1
///     uint16, uint32                         a copy as int32, int64: LibTorch has no such types
///
/// The file must not be cut while the tensor lives, and nobody may write to the tensor.
/// @throws UsageError with the file and what is wrong: no .npy file, cut short or too long, numbers
///     of another byte order, Fortran order, objects and texts, no values.
at::Tensor map_npy(const std::string& path);

}  // namespace valley
