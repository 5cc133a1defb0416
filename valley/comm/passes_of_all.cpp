#include "valley/comm/passes_of_all.h"

#include <algorithm>

#include "valley/comm/kernel_types.h"
#include "valley/comm/lerp.h"
#include "valley/comm/squares.h"
#include "valley/core/widest.h"

namespace valley {
namespace {

constexpr int64_t kBlock = kBlockOfSquares;

// The vectors of M workers from some value on.
template <typename T>
struct Rows {
  std::vector<T*> x;

  Rows(const std::vector<at::Tensor>& xs, int64_t begin) {
    for (const at::Tensor& one : xs) x.push_back(one.data_ptr<T>() + begin);
  }
  size_t size() const { return x.size(); }
};

// By mean_of_sum.h, of what is no register.
template <bool kPowerOfTwo, typename T>
VALLEY_INLINED inline void mean_of_block(const Rows<T>& rows, int64_t at, T* __restrict mean,
                                         int64_t n) {
  const T* __restrict a = rows.x[0] + at;
  const T* __restrict b = rows.x[1] + at;
  for (int64_t i = 0; i < n; ++i) mean[i] = a[i] + b[i];
  for (size_t m = 2; m < rows.size(); ++m) {
    const T* __restrict c = rows.x[m] + at;
    for (int64_t i = 0; i < n; ++i) mean[i] += c[i];
  }
  const T workers = T(rows.size()), share = T(1) / workers;
  for (int64_t i = 0; i < n; ++i) mean[i] = kPowerOfTwo ? mean[i] * share : mean[i] / workers;
}

template <typename T, typename F>
VALLEY_INLINED inline void each_mean(const Rows<T>& rows, int64_t n, const F& f) {
  alignas(64) T mean[kBlock];
  const bool power_of_two = (rows.size() & (rows.size() - 1)) == 0;
  for (int64_t i = 0; i < n; i += kBlock) {
    const int64_t size = std::min(kBlock, n - i);
    power_of_two ? mean_of_block<true>(rows, i, mean, size)
                 : mean_of_block<false>(rows, i, mean, size);
    f(i, mean, size);
  }
}

}  // namespace

void squared_norms_of_all(const std::vector<at::Tensor>& xs, int64_t begin, int64_t end,
                          SquaredNorms* norms) {
  with_type_of(xs[0], [&](auto type) {
    using T = decltype(type);
    const Rows<T> rows(xs, begin);
    std::fill_n(norms, rows.size(), SquaredNorms());
    double of_mean = 0;
    widest([&]() VALLEY_INLINED {
      each_mean(rows, end - begin, [&](int64_t at, const T* mean, int64_t n) VALLEY_INLINED {
        for (size_t m = 0; m < rows.size(); ++m) {
          norms[m].distance = squares<T>(rows.x[m] + at, mean, n, norms[m].distance);
        }
        of_mean = squares<T>(mean, nullptr, n, of_mean);
      });
    });
    for (size_t m = 0; m < rows.size(); ++m) norms[m].mean = of_mean;
  });
}

void lerp_all_to_mean(const std::vector<at::Tensor>& xs, const std::vector<double>& weights,
                      int64_t begin, int64_t end) {
  with_type_of(xs[0], [&](auto type) {
    using T = decltype(type);
    const Rows<T> rows(xs, begin);
    widest([&]() VALLEY_INLINED {
      each_mean(rows, end - begin, [&](int64_t at, const T* mean, int64_t n) VALLEY_INLINED {
        for (size_t m = 0; m < rows.size(); ++m) {
          lerp(
              rows.x[m] + at, [mean](int64_t i) VALLEY_INLINED { return mean[i]; }, T(weights[m]),
              n);
        }
      });
    });
  });
}

}  // namespace valley
