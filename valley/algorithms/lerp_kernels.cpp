#include "valley/algorithms/kernels.h"

#include <algorithm>
#include <string>

#include "valley/core/error.h"
#include "valley/core/mean_of_sum.h"

namespace valley {
namespace {

// Both forms of lerp, each exact at its own end, as at::lerp chooses them.
template <typename T, typename Mean>
void lerp(T* __restrict x, const T* __restrict sum, Mean mean, T weight, int64_t n) {
  if (weight < T(0.5)) {
    for (int64_t i = 0; i < n; ++i) x[i] += weight * (mean(sum[i]) - x[i]);
  } else {
    const T rest = 1 - weight;
    for (int64_t i = 0; i < n; ++i) {
      const T average = mean(sum[i]);
      x[i] = average - rest * (average - x[i]);
    }
  }
}

template <typename T, typename Mean>
void lerp_keep(T* __restrict x, T* __restrict sum, Mean mean, T weight, T scale, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const T away = x[i] - mean(sum[i]);
    sum[i] = away * scale;
    x[i] -= weight * away;
  }
}

// A block stays in the first-level cache while every neighbour is added.
constexpr int64_t kMixBlock = 1024;

template <typename T>
void mix(T* out, const T* x, T own, const std::vector<T>& weights,
         const std::vector<const T*>& others, int64_t n) {
  T block[kMixBlock];
  for (int64_t begin = 0; begin < n; begin += kMixBlock) {
    const int64_t count = std::min(kMixBlock, n - begin);
    const T* __restrict mine = x + begin;
    for (int64_t i = 0; i < count; ++i) block[i] = own * mine[i];
    for (size_t k = 0; k < weights.size(); ++k) {
      const T* __restrict other = others[k] + begin;
      const T weight = weights[k];
      for (int64_t i = 0; i < count; ++i) block[i] += weight * (other[i] - mine[i]);
    }
    std::copy(block, block + count, out + begin);
  }
}

void check(const at::Tensor& x, const at::Tensor& sum) {
  TORCH_INTERNAL_ASSERT(x.is_contiguous() && sum.is_contiguous() && x.numel() == sum.numel() &&
                        x.scalar_type() == sum.scalar_type());
}

// Calls f with a value of x's element type: float or double, what a Communicator sums.
template <typename F>
auto for_type(const at::Tensor& x, const F& f) {
  if (x.scalar_type() == at::kDouble) return f(double());
  require(x.scalar_type() == at::kFloat, "parameters must be float32 or float64, got {}",
          std::string(x.dtype().name()));
  return f(float());
}

}  // namespace

void lerp_to_mean(at::Tensor& x, const at::Tensor& sum, int workers, double weight) {
  check(x, sum);
  for_type(x, [&](auto type) {
    using T = decltype(type);
    with_mean<T>(workers, [&](auto mean) {
      lerp(x.data_ptr<T>(), sum.data_ptr<T>(), mean, T(weight), x.numel());
    });
  });
}

void lerp_to_mean_keep_direction(at::Tensor& x, at::Tensor& sum, int workers, double weight,
                                 double scale) {
  check(x, sum);
  for_type(x, [&](auto type) {
    using T = decltype(type);
    with_mean<T>(workers, [&](auto mean) {
      lerp_keep(x.data_ptr<T>(), sum.data_ptr<T>(), mean, T(weight), T(scale), x.numel());
    });
  });
}

void mix_into(at::Tensor& out, const at::Tensor& x, double own, const std::vector<double>& weights,
              const std::vector<at::Tensor>& others) {
  check(out, x);
  for_type(x, [&](auto type) {
    using T = decltype(type);
    const std::vector<T> shares(weights.begin(), weights.end());
    std::vector<const T*> values;
    for (size_t k = 0; k < weights.size(); ++k) {
      check(x, others[k]);
      values.push_back(others[k].data_ptr<T>());
    }
    mix(out.data_ptr<T>(), x.data_ptr<T>(), T(own), shares, values, x.numel());
  });
}

void meet_in_the_middle(at::Tensor& a, at::Tensor& b) {
  check(a, b);
  for_type(a, [&](auto type) {
    using T = decltype(type);
    T* one = a.data_ptr<T>();
    T* other = b.data_ptr<T>();
    for (int64_t i = 0; i < a.numel(); ++i) one[i] = other[i] = (one[i] + other[i]) / 2;
  });
}

}  // namespace valley
