#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <string_view>

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

/// The same of the bytes of such a file, which live as long as `keeper`; errors call it `path`.
/// Values that do not lie aligned are copied.
at::Tensor npy_array(std::string_view bytes, const std::shared_ptr<const void>& keeper,
                     const std::string& path);

/// Values that lie anywhere, copied.
at::Tensor copied_from(const char* bytes, at::IntArrayRef shape, at::ScalarType type);

}  // namespace valley
