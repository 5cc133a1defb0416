#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>

namespace valley {

struct NamedArray {
  std::string path;  ///< what errors call it: "d/x_train.npy", "d.npz: x_train"
  at::Tensor values;
};

/// Arrays by name. @throws UsageError for one that is missing or cannot be read.
using ArraySource = std::function<NamedArray(const std::string& name)>;

/// Where the arrays of a path are:
///
///     a folder            NAME.npy in there, mapped (see map_npy())
///     FILE.npz            NAME.npy of numpy.savez() or savez_compressed(): mapped where it is not
///                         compressed and its values lie aligned, which numpy leaves to chance;
///                         else unpacked or copied once
///     FILE.safetensors    its tensors, mapped: F64 F32 F16 I64 I32 I16 I8 U8, and BOOL as int8
///
/// @throws UsageError for another kind of file, or one that is damaged or cut short.
ArraySource array_source(const std::string& path);

}  // namespace valley
