// Passes in which x moves towards the mean.
#include "valley/algorithms/half_kernels.h"
#include "valley/algorithms/kernels.h"
#include "valley/algorithms/operator_kernels.h"
#include "valley/comm/fused.h"
#include "valley/comm/kernel_types.h"
#include "valley/comm/lerp.h"
#include "valley/core/mean_of_sum.h"
#include "valley/core/widest.h"

namespace valley {
namespace {

template <typename T, typename Mean>
void lerp_keep(T* __restrict x, T* __restrict sum, Mean mean, T weight, T scale, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const T away = x[i] - mean(sum[i]);
    sum[i] = away * scale;
    x[i] -= weight * away;
  }
}

}  // namespace

void lerp_to_mean_keep_direction(at::Tensor& x, at::Tensor& sum, int workers, double weight,
                                 double scale) {
  check_alike(x, sum);
  if (!fused(x)) {
    return operators::lerp_to_mean_keep_direction(x, sum, workers, weight, scale);
  }
  with_type_of(x, [&](auto type) {
    using T = decltype(type);
    with_mean<T>(workers, [&](auto mean) {
      lerp_keep(x.data_ptr<T>(), sum.data_ptr<T>(), mean, T(weight), T(scale), x.numel());
    });
  });
}

void lerp_to_multiple(float* x, const float* r, int workers, float weight, int64_t n) {
  with_mean<float>(workers, [=](auto mean) {
    widest([&]() VALLEY_INLINED {
      const float* __restrict known = r;
      const auto times = static_cast<float>(workers);
      lerp(
          x, [=](int64_t i) VALLEY_INLINED { return mean(known[i] * times); }, weight, n);
    });
  });
}

}  // namespace valley
