#include <cmath>
#include <cstring>

#include "valley/comm/fused.h"
#include "valley/compression/for_type.h"
#include "valley/compression/operators.h"
#include "valley/compression/quantise.h"

namespace valley {
namespace {

class Sign : public Compressor {
 public:
  using Compressor::Compressor;

  void compress(const at::Tensor& x, uint64_t, at::Tensor& payload) const override {
    if (!fused(x)) return operators::compress_sign(x, payload);
    auto* to = payload.data_ptr<uint8_t>();
    std::fill(to, to + payload.numel(), uint8_t{0});
    for_type(x, [&](const auto* values) {
      double sum = 0;
      for (int64_t i = 0; i < x.numel(); ++i) {
        sum += std::abs(static_cast<double>(values[i]));
        if (values[i] < 0) to[kScaleBytes + i / 8] |= static_cast<uint8_t>(1 << (i % 8));
      }
      const auto scale = static_cast<float>(sum / static_cast<double>(x.numel()));
      std::memcpy(to, &scale, kScaleBytes);
    });
  }

  void decompress(const at::Tensor& payload, at::Tensor& out) const override {
    if (!fused(out)) return operators::decompress_sign(payload, out);
    const auto* from = payload.data_ptr<uint8_t>();
    float scale = 0;
    std::memcpy(&scale, from, kScaleBytes);
    for_type(out, [&](auto* values) {
      for (int64_t i = 0; i < out.numel(); ++i) {
        values[i] = (from[kScaleBytes + i / 8] >> (i % 8)) & 1 ? -scale : scale;
      }
    });
  }
};

}  // namespace

std::unique_ptr<Compressor> make_sign(const CompressorSpec& spec) {
  return std::make_unique<Sign>(spec);
}

}  // namespace valley
