#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "valley/models/model.h"

namespace valley {

/// Named tensors in one file, in the safetensors format: 8 bytes header length (little-endian), a
/// JSON header {"name": {"dtype", "shape", "data_offsets"}, "__metadata__": {...}} padded with
/// spaces to 8 bytes, the data without gaps. Nothing in it can run code, and Python reads it with
/// safetensors.torch.load_file(path).
///
/// Files that are written here carry a checksum of all their bytes (valley/core/checksum.h) as the
/// first thing in the header, in `__metadata__`, where other readers pass over it; its own digits
/// count as zeros. It is checked when they are read.
///
/// Types: F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL. The header lists the tensors in the given order;
/// the data lies widest type first, so that every tensor is aligned.
struct TensorFile {
  std::vector<NamedTensor> tensors;             ///< in the order of the header, on the CPU
  std::map<std::string, std::string> metadata;  ///< without the checksum
  std::optional<uint32_t> crc32c = {};          ///< which it was read with; none in files of others
};

/// What tells one file from another.
struct FileSum {
  uint64_t bytes = 0;
  uint32_t crc32c = 0;  ///< that of its header
};

using ByteSink = std::function<void(const void* data, size_t bytes)>;

/// Streams the file into `sink`. Contiguous CPU tensors are not copied; others one at a time.
/// @throws UsageError for a name given twice or a type the format lacks; what `sink` throws.
FileSum write_safetensors(const ByteSink& sink, const std::vector<NamedTensor>& tensors,
                          const std::map<std::string, std::string>& metadata = {});

/// The same, to a file that appears whole or not at all (temporary file, fsync, rename).
/// @throws IoError "cannot write PATH: No space left on device"; a previous PATH is then intact.
FileSum save_safetensors(const std::string& path, const std::vector<NamedTensor>& tensors,
                         const std::map<std::string, std::string>& metadata = {});

/// Reads all tensors. The header is checked against the file's size before anything is allocated.
/// @throws DamagedFile "PATH is cut short: ...", "PATH is no safetensors file: ...", "PATH is
///     damaged: ..."; UsageError "cannot read PATH: No such file or directory".
TensorFile load_safetensors(const std::string& path);

}  // namespace valley
