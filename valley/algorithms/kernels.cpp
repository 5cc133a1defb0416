#include "valley/algorithms/kernels.h"

#include <string>

#include "valley/core/error.h"

namespace valley {
namespace {

// Eight running sums: independent, so that the compiler may keep them in vector registers without
// being allowed to reorder additions, and the result is the same on every machine.
constexpr int64_t kLanes = 8;

template <typename T>
SquaredNorms norms_of(const T* __restrict x, const T* __restrict sum, T workers, int64_t n) {
  double distance[kLanes] = {}, own[kLanes] = {}, mean[kLanes] = {};
  const auto add = [&](int64_t i, int64_t lane) {
    const T average = sum[i] / workers;
    const double away = static_cast<double>(x[i] - average);
    distance[lane] += away * away;
    own[lane] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    mean[lane] += static_cast<double>(average) * static_cast<double>(average);
  };
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) add(i + lane, lane);
  }
  for (; i < n; ++i) add(i, i % kLanes);

  SquaredNorms total;
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    total += {distance[lane], own[lane], mean[lane]};
  }
  return total;
}

// The mean is s / M and not s * (1/M): the rounded factor 1/M is off in the same direction in every
// round, and the division is hidden behind the loads.
//
// Both forms of lerp, each exact at its own end, as at::lerp chooses them.
template <typename T>
void lerp(T* __restrict x, const T* __restrict sum, T workers, T weight, int64_t n) {
  if (weight < T(0.5)) {
    for (int64_t i = 0; i < n; ++i) x[i] += weight * (sum[i] / workers - x[i]);
  } else {
    const T rest = 1 - weight;
    for (int64_t i = 0; i < n; ++i) {
      const T average = sum[i] / workers;
      x[i] = average - rest * (average - x[i]);
    }
  }
}

template <typename T>
void lerp_keep(T* __restrict x, T* __restrict sum, T workers, T weight, T scale, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const T away = x[i] - sum[i] / workers;
    sum[i] = away * scale;
    x[i] -= weight * away;
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
  own += other.own;
  mean += other.mean;
  return *this;
}

SquaredNorms squared_norms(const at::Tensor& x, const at::Tensor& sum, int workers, int64_t begin,
                           int64_t end) {
  check(x, sum);
  return for_type(x, [&](auto type) {
    using T = decltype(type);
    return norms_of(x.data_ptr<T>() + begin, sum.data_ptr<T>() + begin, T(workers), end - begin);
  });
}

void lerp_to_mean(at::Tensor& x, const at::Tensor& sum, int workers, double weight) {
  check(x, sum);
  for_type(x, [&](auto type) {
    using T = decltype(type);
    lerp(x.data_ptr<T>(), sum.data_ptr<T>(), T(workers), T(weight), x.numel());
  });
}

void lerp_to_mean_keep_direction(at::Tensor& x, at::Tensor& sum, int workers, double weight,
                                 double scale) {
  check(x, sum);
  for_type(x, [&](auto type) {
    using T = decltype(type);
    lerp_keep(x.data_ptr<T>(), sum.data_ptr<T>(), T(workers), T(weight), T(scale), x.numel());
  });
}

}  // namespace valley
