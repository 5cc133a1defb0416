#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace valley {

/// What is sent in place of a vector: fewer bytes, from which the receiver makes C(x). A compressor
/// has no memory; error feedback and replicas are the method's matter.
///
/// Every payload of the same d has the same size, known beforehand, so that a receiver has room
/// for it.
class Compressor {
 public:
  virtual ~Compressor() = default;

  virtual int64_t bytes(int64_t d, int64_t element_size) const = 0;

  /// x [d], float32 or float64 -> payload, uint8 [bytes(d)]. `draw` is the seed of this call for
  /// compressors that choose at random: another one in every call.
  virtual void compress(const at::Tensor& x, uint64_t draw, at::Tensor& payload) const = 0;

  /// out [d] <- C(x), from the payload alone.
  virtual void decompress(const at::Tensor& payload, at::Tensor& out) const = 0;
};

struct CompressorEntry {
  enum class Argument { kNone, kFraction };

  std::string name;
  std::string summary;
  std::string bytes;  ///< of a payload, in words
  Argument argument;
  std::unique_ptr<Compressor> (*make)(double fraction);
};

/// Every compressor by name; --help, docs and contract tests read this table.
const std::vector<CompressorEntry>& compressors();

/// "none", "sign", "top-k:0.1", ... as --compress takes it.
/// @throws UsageError for an unknown name (the nearest is offered) or a fraction that is missing,
///     not asked for, or outside (0, 1].
std::unique_ptr<Compressor> make_compressor(const std::string& name_and_argument);

}  // namespace valley
