#include "valley/comm/squared_norms.h"

#include <ATen/ops/div.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/sub.h>
#include <ATen/ops/sum.h>

#include "valley/comm/fused.h"
#include "valley/core/mean_of_sum.h"

namespace valley {
namespace {

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

template <typename T>
SquaredNorms norms_of(const at::Tensor& x, const at::Tensor& sum, int workers, int64_t begin,
                      int64_t end) {
  return with_mean<T>(workers, [&](auto mean) {
    return norms_of(x.data_ptr<T>() + begin, sum.data_ptr<T>() + begin, mean, end - begin);
  });
}

}  // namespace

SquaredNorms& SquaredNorms::operator+=(const SquaredNorms& other) {
  distance += other.distance;
  mean += other.mean;
  return *this;
}

SquaredNorms squared_norms(const at::Tensor& x, const at::Tensor& sum, int workers, int64_t begin,
                           int64_t end) {
  TORCH_INTERNAL_ASSERT(x.is_contiguous() && sum.is_contiguous() && x.numel() == sum.numel() &&
                        x.scalar_type() == sum.scalar_type());
  if (!fused(x)) {
    return squared_norms_on_device(x.narrow(0, begin, end - begin),
                                   sum.narrow(0, begin, end - begin), workers);
  }
  return x.scalar_type() == at::kDouble ? norms_of<double>(x, sum, workers, begin, end)
                                        : norms_of<float>(x, sum, workers, begin, end);
}

SquaredNorms squared_norms_on_device(const at::Tensor& x, const at::Tensor& sum, int workers) {
  const at::Tensor mean = at::div(sum, workers), away = at::sub(x, mean);
  const at::Tensor both =
      at::stack({away.square().sum(at::kDouble), mean.square().sum(at::kDouble)}).cpu();
  return {both.data_ptr<double>()[0], both.data_ptr<double>()[1]};
}

}  // namespace valley
