#pragma once

#include <cstdint>

namespace valley {

/// x <- lerp(x, mean, weight), n values; mean(i) is that of value i. Both forms of lerp, each exact
/// at its own end, as at::lerp chooses them.
template <typename T, typename Mean>
[[gnu::always_inline]] inline void lerp(T* __restrict x, const Mean& mean, T weight, int64_t n) {
  if (weight < T(0.5)) {
    for (int64_t i = 0; i < n; ++i) x[i] += weight * (mean(i) - x[i]);
  } else {
    const T rest = 1 - weight;
    for (int64_t i = 0; i < n; ++i) {
      const T average = mean(i);
      x[i] = average - rest * (average - x[i]);
    }
  }
}

}  // namespace valley
