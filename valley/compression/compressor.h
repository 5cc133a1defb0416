#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>

#include "valley/compression/payload.h"

namespace valley {

/// What is sent in place of a vector: fewer bytes, from which the receiver makes C(x). A compressor
/// has no memory; error feedback and replicas are the method's matter.
///
/// Every payload of the same d has the same size, known beforehand, so that a receiver has room
/// for it.
class Compressor {
 public:
  explicit Compressor(const CompressorSpec& spec) : spec_(spec) {}
  virtual ~Compressor() = default;

  /// Of a payload.
  int64_t bytes(int64_t d, int64_t element_size) const {
    return spec_.entry->payload(spec_.share, d, element_size);
  }

  /// x [d], float32 or float64 -> payload, uint8 [bytes(d)]. `draw` is the seed of this call for
  /// compressors that choose at random: another one in every call.
  virtual void compress(const at::Tensor& x, uint64_t draw, at::Tensor& payload) const = 0;

  /// out [d] <- C(x), from the payload alone.
  virtual void decompress(const at::Tensor& payload, at::Tensor& out) const = 0;

 protected:
  double share() const { return spec_.share; }

 private:
  CompressorSpec spec_;
};

/// "none", "sign", "top-k:0.1", ... as parse_compressor() takes it. @throws UsageError likewise.
std::unique_ptr<Compressor> make_compressor(const std::string& name_and_share);

}  // namespace valley
