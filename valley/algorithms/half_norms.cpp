#include "valley/algorithms/half_norms.h"

#include <algorithm>

#include "valley/algorithms/half_format.h"
#include "valley/comm/squares.h"

namespace valley {
namespace {

// known <- known + said, and what with_mean() makes of its multiple.
template <typename Said>
VALLEY_INLINED inline void add_said(const Said& said, float* __restrict known,
                                    float* __restrict mean, int workers, int64_t n) {
  const auto times = static_cast<float>(workers), share = 1 / times;
  for (int64_t i = 0; i < n; ++i) {
    known[i] += said(i);
    mean[i] = known[i] * times;
  }
  if ((workers & (workers - 1)) == 0) {
    for (int64_t i = 0; i < n; ++i) mean[i] *= share;
  } else {
    for (int64_t i = 0; i < n; ++i) mean[i] /= times;
  }
}

}  // namespace

SquaredNorms add_coded_norms(Half format, const std::vector<const uint16_t*>& rows, float* known,
                             const float* x, int workers, int64_t n) {
  SquaredNorms norms;
  with_half(format, [&](auto code) VALLEY_INLINED {
    alignas(64) float mean[kBlockOfSquares];
    for (int64_t begin = 0; begin < n; begin += kBlockOfSquares) {
      const int64_t size = std::min(kBlockOfSquares, n - begin);
      const uint16_t* a = rows.front() + begin;
      const uint16_t* b = rows.back() + begin;
      if (rows.size() == 1) {
        add_said([=](int64_t i) VALLEY_INLINED { return code.decode(a[i]); }, known + begin, mean,
                 workers, size);
      } else {
        add_said(
            [=](int64_t i) VALLEY_INLINED {
              const float average = 0.0f + 0.5f * code.decode(a[i]) + 0.5f * code.decode(b[i]);
              return code.decode(code.encode(average));
            },
            known + begin, mean, workers, size);
      }
      norms.distance = squares<float>(x + begin, mean, size, norms.distance);
      norms.mean = squares<float>(mean, nullptr, size, norms.mean);
    }
  });
  return norms;
}

}  // namespace valley
