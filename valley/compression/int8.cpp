#include <algorithm>
#include <cmath>
#include <cstring>

#include "valley/comm/fused.h"
#include "valley/compression/for_type.h"
#include "valley/compression/operators.h"
#include "valley/compression/quantise.h"

namespace valley {
namespace {

class Int8 : public Compressor {
 public:
  using Compressor::Compressor;

  void compress(const at::Tensor& x, uint64_t, at::Tensor& payload) const override {
    if (!fused(x)) return operators::compress_int8(x, payload);
    auto* to = payload.data_ptr<uint8_t>();
    for_type(x, [&](const auto* values) {
      for (int64_t begin = 0; begin < x.numel(); begin += kInt8Block) {
        const int64_t end = std::min(x.numel(), begin + kInt8Block);
        float largest = 0;
        for (int64_t i = begin; i < end; ++i) {
          largest = std::max(largest, static_cast<float>(std::abs(values[i])));
        }
        const float scale = largest / 127;
        std::memcpy(to, &scale, kScaleBytes);
        to += kScaleBytes;
        for (int64_t i = begin; i < end; ++i) {
          const double level = scale > 0 ? std::nearbyint(double(values[i]) / double(scale)) : 0;
          *to++ = static_cast<uint8_t>(static_cast<int8_t>(std::clamp(level, -127.0, 127.0)));
        }
      }
    });
  }

  void decompress(const at::Tensor& payload, at::Tensor& out) const override {
    if (!fused(out)) return operators::decompress_int8(payload, out);
    const auto* from = payload.data_ptr<uint8_t>();
    for_type(out, [&](auto* values) {
      for (int64_t begin = 0; begin < out.numel(); begin += kInt8Block) {
        float scale = 0;
        std::memcpy(&scale, from, kScaleBytes);
        from += kScaleBytes;
        const int64_t end = std::min(out.numel(), begin + kInt8Block);
        for (int64_t i = begin; i < end; ++i) {
          values[i] = scale * static_cast<float>(static_cast<int8_t>(*from++));
        }
      }
    });
  }
};

}  // namespace

std::unique_ptr<Compressor> make_int8(const CompressorSpec& spec) {
  return std::make_unique<Int8>(spec);
}

}  // namespace valley
