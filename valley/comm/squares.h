#pragma once

#include <cstdint>

#include "valley/core/widest.h"

namespace valley {

inline constexpr int64_t kBlockOfSquares = 128;

/// total + the squares of a - b, or of a where b is null, over a block or, at the end, less: the
/// additions are those of squared_norms(), in its order.
template <typename T>
VALLEY_INLINED inline double squares(const T* a, const T* b, int64_t n, double total) {
  typedef T Wide __attribute__((vector_size(32), aligned(alignof(T)), may_alias));
  constexpr int64_t kLanes = 32 / sizeof(T);
  if (n < kBlockOfSquares) {
    for (int64_t i = 0; i < n; ++i) {
      const auto value = static_cast<double>(b == nullptr ? a[i] : a[i] - b[i]);
      total += value * value;
    }
    return total;
  }
  Wide sums{};
  for (int64_t i = 0; i < kBlockOfSquares; i += kLanes) {
    Wide value = *reinterpret_cast<const Wide*>(a + i);
    if (b != nullptr) value -= *reinterpret_cast<const Wide*>(b + i);
    sums += value * value;
  }
  for (int64_t lane = 0; lane < kLanes / 2; ++lane) {
    total += static_cast<double>(sums[lane] + sums[lane + kLanes / 2]);
  }
  return total;
}

}  // namespace valley
