#pragma once

#include <cstdint>
#include <optional>
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
  /// Whether it codes each value, or block of kInt8Block of them, by itself and closely: what can
  /// say where a worker stands.
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

/// A wire is a compressor, or powersgd-RANK.
/// @throws UsageError for what is no wire, as parse_compressor() and powersgd_rank() do.
void check_wire(const std::string& wire);

/// Whether it is "none" or a compressor that is close.
bool close_wire(const std::string& wire);

/// @throws UsageError, with the name of the method, for a wire that does more than round.
void check_rounding_wire(const std::string& method, const std::string& wire);

/// The rank that "powersgd-RANK" names; nothing for another wire.
/// @throws UsageError for a rank that is no whole number from 1 on.
std::optional<int64_t> powersgd_rank(const std::string& wire);

/// A matrix among the parameters, or with one row a vector.
struct MatrixShape {
  int64_t rows = 1, columns = 1;
};

/// Whether powersgd of that rank sends a matrix as two factors, which are then fewer values than it
/// has itself; their rank is below that of any such matrix.
constexpr bool sent_as_factors(int64_t rank, const MatrixShape& shape) {
  return rank * (shape.rows + shape.columns) < shape.rows * shape.columns;
}

/// Values that a worker says of all these to a mean by powersgd of that rank: (rows + columns) rank
/// of what is sent as factors, the rest as it is.
int64_t powersgd_values(int64_t rank, const std::vector<MatrixShape>& shapes);

/// Of the compressor that the text names. @throws UsageError likewise.
int64_t payload_bytes(const std::string& name_and_share, int64_t d, int64_t element_size);

/// Of a mean over `workers` workers that is said by `wire`, a compressor: one payload of a slice to
/// the owner of each other slice, and one to all. @throws UsageError likewise.
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
