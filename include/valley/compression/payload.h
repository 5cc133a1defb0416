#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "valley/core/error.h"

/// What is known of compressors without LibTorch: their names and the sizes of their payloads.
namespace valley {

struct CompressorEntry {
  std::string name;
  std::string summary;
  std::string bytes;  ///< of a payload, in words
  bool takes_share = false;
  /// Bytes of a payload of d values of element_size bytes each.
  int64_t (*payload)(double share, int64_t d, int64_t element_size);
  /// Whether it codes each value, or block of kInt8Block of them, by itself and closely: what a
  /// wire can be.
  bool close = false;
};

/// Every compressor by name; --help, docs and contract tests read this table.
const std::vector<CompressorEntry>& compressors();

struct CompressorSpec {
  const CompressorEntry* entry;
  double share = 1;
};

/// "none", "sign", "top-k:0.1", ... as the setting `key` has it.
/// @throws UsageError for an unknown name (the nearest is offered) or a share that is missing, not
///     asked for, or outside (0, 1].
CompressorSpec parse_compressor(const std::string& name_and_share, Key key = {"compress"});

/// @throws UsageError likewise.
void check_compressor(const std::string& name_and_share);
void check_compress_rounds(const std::string& name_and_share);

/// @throws UsageError for what is no wire: a name that is unknown or not close.
void check_wire(const std::string& name);

/// Of the compressor that the text names. @throws UsageError likewise.
int64_t payload_bytes(const std::string& name_and_share, int64_t d, int64_t element_size);

/// Of a mean over `workers` workers that is said by `wire`: one payload of a slice to the owner of
/// each other slice, and one to all. @throws UsageError likewise.
int64_t wire_bytes(const std::string& wire, int64_t d, int64_t element_size, int64_t workers);

/// Bytes of d values of which each is -1, 0 or 1: four a byte.
constexpr int64_t ternary_bytes(int64_t d) { return (d + 3) / 4; }

/// k of d values.
int64_t count_of(double share, int64_t d);

/// Bytes of a place among d values.
constexpr int64_t place_size(int64_t d) { return d < (int64_t{1} << 31) ? 4 : 8; }

constexpr int64_t kScaleBytes = sizeof(float);
constexpr int64_t kInt8Block = 256;  ///< values that share a scale

}  // namespace valley
