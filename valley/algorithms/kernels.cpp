#include "valley/algorithms/kernels.h"

#include <algorithm>
#include <string>

#include "valley/core/error.h"

namespace valley {
namespace {

// Where M is a power of two, s * (1/M) has the bits of s / M and takes a quarter of the time. Else
// only the division will do: the rounded factor 1/M is off in the same direction in every round.
template <typename T>
struct Multiply {
  T factor;
  template <typename V>
  V operator()(V sum) const {
    return sum * factor;
  }
};
template <typename T>
struct Divide {
  T workers;
  template <typename V>
  V operator()(V sum) const {
    return sum / workers;
  }
};

// Calls f with what makes a mean of a sum.
template <typename T, typename F>
auto with_mean(int workers, const F& f) {
  if ((workers & (workers - 1)) == 0) return f(Multiply<T>{T(1) / T(workers)});
  return f(Divide<T>{T(workers)});
}

// The compiler may not reorder additions; four running sums of one register each say which order is
// meant, the same on every machine. A block is added up in T, blocks in double.
constexpr int64_t kBlock = 128;

template <typename T, typename Mean>
SquaredNorms norms_of(const T* x, const T* sum, Mean mean, int64_t n) {
  constexpr int64_t kLanes = 16 / sizeof(T);
  typedef T Vector __attribute__((vector_size(16), aligned(alignof(T)), may_alias));
  const auto load = [](const T* at) { return *reinterpret_cast<const Vector*>(at); };

  SquaredNorms total;
  int64_t i = 0;
  for (; i + kBlock <= n; i += kBlock) {
    Vector away_a{}, away_b{}, mean_a{}, mean_b{};
    for (int64_t j = i; j < i + kBlock; j += 2 * kLanes) {
      const Vector a = mean(load(sum + j)), b = mean(load(sum + j + kLanes));
      const Vector to_a = load(x + j) - a, to_b = load(x + j + kLanes) - b;
      away_a += to_a * to_a;
      away_b += to_b * to_b;
      mean_a += a * a;
      mean_b += b * b;
    }
    away_a += away_b;
    mean_a += mean_b;
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      total += {static_cast<double>(away_a[lane]), static_cast<double>(mean_a[lane])};
    }
  }
  for (; i < n; ++i) {
    const T average = mean(sum[i]);
    const double away = static_cast<double>(x[i] - average);
    total += {away * away, static_cast<double>(average) * static_cast<double>(average)};
  }
  return total;
}

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

SquaredNorms& SquaredNorms::operator+=(const SquaredNorms& other) {
  distance += other.distance;
  mean += other.mean;
  return *this;
}

SquaredNorms squared_norms(const at::Tensor& x, const at::Tensor& sum, int workers, int64_t begin,
                           int64_t end) {
  check(x, sum);
  return for_type(x, [&](auto type) {
    using T = decltype(type);
    return with_mean<T>(workers, [&](auto mean) {
      return norms_of(x.data_ptr<T>() + begin, sum.data_ptr<T>() + begin, mean, end - begin);
    });
  });
}

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
