#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <type_traits>
#include <vector>

#include "valley/comm/fused.h"
#include "valley/compression/for_type.h"
#include "valley/compression/operators.h"
#include "valley/compression/sparse.h"

namespace valley {
namespace {

class TopK : public Compressor {
 public:
  using Compressor::Compressor;

  void compress(const at::Tensor& x, uint64_t, at::Tensor& payload) const override {
    if (!fused(x)) {
      const at::Tensor places = operators::largest(x, count_of(share(), x.numel()));
      return operators::gather(x, places, place_size(x.numel()), payload);
    }
    for_type(x, [&](const auto* values) {
      using T = std::decay_t<decltype(*values)>;
      const int64_t d = x.numel(), k = count_of(share(), d);
      std::vector<int64_t> places(static_cast<size_t>(d));
      std::iota(places.begin(), places.end(), 0);
      const auto before = [&](int64_t a, int64_t b) {
        const T left = std::abs(values[a]), right = std::abs(values[b]);
        return left != right ? left > right : a < b;
      };
      std::nth_element(places.begin(), places.begin() + std::max<int64_t>(0, k - 1), places.end(),
                       before);
      std::sort(places.begin(), places.begin() + k);
      auto* to = payload.data_ptr<uint8_t>();
      const int64_t size = place_size(d);
      for (int64_t i = 0; i < k; ++i) {
        const int64_t place = places[static_cast<size_t>(i)];
        std::memcpy(to + i * size, &place, static_cast<size_t>(size));  // little-endian
        std::memcpy(to + k * size + i * int64_t(sizeof(T)), values + place, sizeof(T));
      }
    });
  }

  void decompress(const at::Tensor& payload, at::Tensor& out) const override {
    if (!fused(out)) {
      const int64_t values = out.numel();
      return operators::scatter(
          payload, operators::places_of(payload, count_of(share(), values), place_size(values)),
          out);
    }
    out.zero_();
    for_type(out, [&](auto* values) {
      using T = std::decay_t<decltype(*values)>;
      const int64_t d = out.numel(), k = count_of(share(), d), size = place_size(d);
      const auto* from = payload.data_ptr<uint8_t>();
      for (int64_t i = 0; i < k; ++i) {
        int64_t place = 0;
        std::memcpy(&place, from + i * size, static_cast<size_t>(size));
        std::memcpy(values + place, from + k * size + i * int64_t(sizeof(T)), sizeof(T));
      }
    });
  }
};

}  // namespace

std::unique_ptr<Compressor> make_top_k(const CompressorSpec& spec) {
  return std::make_unique<TopK>(spec);
}

}  // namespace valley
