#include "valley/algorithms/half_kernels.h"

#include <algorithm>

#include "valley/algorithms/half_format.h"

namespace valley {

void encode_difference(Half format, const float* x, const float* from, uint16_t* coded, int64_t n) {
  with_half(format, [=](auto code) VALLEY_INLINED {
    const float* __restrict a = x;
    const float* __restrict b = from;
    uint16_t* __restrict c = coded;
    for (int64_t i = 0; i < n; ++i) c[i] = code.encode(a[i] - b[i]);
  });
}

void add_coded(Half format, const uint16_t* coded, float* x, float* sum, float workers, int64_t n) {
  with_half(format, [=](auto code) VALLEY_INLINED {
    const uint16_t* __restrict c = coded;
    float* __restrict a = x;
    float* __restrict s = sum;
    for (int64_t i = 0; i < n; ++i) {
      a[i] += code.decode(c[i]);
      s[i] = a[i] * workers;
    }
  });
}

void average_coded(Half format, const std::vector<const uint16_t*>& rows, uint16_t* coded,
                   int64_t n) {
  constexpr int64_t kBlock = 1024;
  const float share = 1 / static_cast<float>(rows.size());
  float total[kBlock];
  with_half(format, [&](auto code) VALLEY_INLINED {
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
