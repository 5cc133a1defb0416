#include "valley/algorithms/half_kernels.h"

#include <c10/util/Half.h>

#include <algorithm>
#include <bit>

#include "valley/core/widest.h"

namespace valley {
namespace {

struct Bf16 {
  static uint16_t encode(float value) {
    const auto bits = std::bit_cast<uint32_t>(value);
    const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    const bool number = (bits & 0x7fffffff) <= 0x7f800000;
    return static_cast<uint16_t>(number ? rounded : 0x7fc0);
  }
  static float decode(uint16_t coded) { return std::bit_cast<float>(uint32_t{coded} << 16); }
};

struct Fp16 {
  static uint16_t encode(float value) { return c10::detail::fp16_ieee_from_fp32_value(value); }
  static float decode(uint16_t coded) { return c10::detail::fp16_ieee_to_fp32_value(coded); }
};

// f, of the format's functions, is VALLEY_INLINED.
template <typename F>
void with(Half format, const F& f) {
  widest([&]() VALLEY_INLINED { format == Half::kBf16 ? f(Bf16()) : f(Fp16()); });
}

}  // namespace

void encode_difference(Half format, const float* x, const float* from, uint16_t* coded, int64_t n) {
  with(format, [=](auto code) VALLEY_INLINED {
    const float* __restrict a = x;
    const float* __restrict b = from;
    uint16_t* __restrict c = coded;
    for (int64_t i = 0; i < n; ++i) c[i] = code.encode(a[i] - b[i]);
  });
}

void add_coded(Half format, const uint16_t* coded, float* x, float* sum, float workers, int64_t n) {
  with(format, [=](auto code) VALLEY_INLINED {
    const uint16_t* __restrict c = coded;
    float* __restrict a = x;
    float* __restrict s = sum;
    for (int64_t i = 0; i < n; ++i) {
      a[i] += code.decode(c[i]);
      s[i] = a[i] * workers;
    }
  });
}

void add_average(Half format, const uint16_t* a, const uint16_t* b, float* x, float* sum,
                 int64_t n) {
  with(format, [=](auto code) VALLEY_INLINED {
    const uint16_t* __restrict first = a;
    const uint16_t* __restrict second = b;
    float* __restrict known = x;
    float* __restrict s = sum;
    for (int64_t i = 0; i < n; ++i) {
      const float mean = 0.0f + 0.5f * code.decode(first[i]) + 0.5f * code.decode(second[i]);
      known[i] += code.decode(code.encode(mean));
      s[i] = known[i] * 2;
    }
  });
}

void average_coded(Half format, const std::vector<const uint16_t*>& rows, uint16_t* coded,
                   int64_t n) {
  constexpr int64_t kBlock = 1024;
  const float share = 1 / static_cast<float>(rows.size());
  float total[kBlock];
  with(format, [&](auto code) VALLEY_INLINED {
    for (int64_t begin = 0; begin < n; begin += kBlock) {
      const int64_t size = std::min(kBlock, n - begin);
      std::fill(total, total + size, 0.0f);
      for (const uint16_t* row : rows) {
        for (int64_t i = 0; i < size; ++i) total[i] += share * code.decode(row[begin + i]);
      }
      for (int64_t i = 0; i < size; ++i) coded[begin + i] = code.encode(total[i]);
    }
  });
}

}  // namespace valley
