#include <ATen/core/TensorBody.h>
#include <ATen/ops/tensor.h>

#include <cstring>
#include <type_traits>
#include <vector>

#include "valley/comm/fused.h"
#include "valley/compression/for_type.h"
#include "valley/compression/operators.h"
#include "valley/compression/sparse.h"
#include "valley/core/random.h"
#include "valley/core/subset.h"

namespace valley {
namespace {

class RandomK : public Compressor {
 public:
  using Compressor::Compressor;

  void compress(const at::Tensor& x, uint64_t draw, at::Tensor& payload) const override {
    if (!fused(x)) {
      payload.narrow(0, 0, kDrawBytes)
          .copy_(at::tensor(static_cast<int64_t>(draw)).view(1).view(at::kByte));
      return operators::gather(x, places_like(x, draw), 0, after_draw(payload));
    }
    auto* to = payload.data_ptr<uint8_t>();
    std::memcpy(to, &draw, sizeof draw);
    for_type(x, [&](const auto* values) {
      using T = std::decay_t<decltype(*values)>;
      auto* next = to + sizeof draw;
      for (const int64_t place : places(draw, x.numel())) {
        std::memcpy(next, values + place, sizeof(T));
        next += sizeof(T);
      }
    });
  }

  void decompress(const at::Tensor& payload, at::Tensor& out) const override {
    if (!fused(out)) {
      const auto draw = payload.narrow(0, 0, kDrawBytes).clone().view(at::kLong).item<int64_t>();
      return operators::scatter(payload, places_like(out, static_cast<uint64_t>(draw)), out);
    }
    out.zero_();
    const auto* from = payload.data_ptr<uint8_t>();
    uint64_t draw = 0;
    std::memcpy(&draw, from, sizeof draw);
    for_type(out, [&](auto* values) {
      using T = std::decay_t<decltype(*values)>;
      const auto* next = from + sizeof draw;
      for (const int64_t place : places(draw, out.numel())) {
        std::memcpy(values + place, next, sizeof(T));
        next += sizeof(T);
      }
    });
  }

 private:
  static constexpr int64_t kDrawBytes = sizeof(uint64_t);

  static at::Tensor after_draw(const at::Tensor& payload) {
    return payload.narrow(0, kDrawBytes, payload.numel() - kDrawBytes);
  }

  at::Tensor places_like(const at::Tensor& x, uint64_t draw) const {
    return at::tensor(places(draw, x.numel())).to(x.device());
  }

  std::vector<int64_t> places(uint64_t draw, int64_t d) const {
    Random random(draw);
    return random_subset(count_of(share(), d), d, random);
  }
};

}  // namespace

std::unique_ptr<Compressor> make_random_k(const CompressorSpec& spec) {
  return std::make_unique<RandomK>(spec);
}

}  // namespace valley
