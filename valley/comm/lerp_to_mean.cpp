#include "valley/comm/lerp_to_mean.h"

#include <ATen/ops/div.h>
#include <ATen/ops/full.h>

#include "valley/comm/fused.h"
#include "valley/comm/kernel_types.h"
#include "valley/comm/lerp.h"
#include "valley/core/mean_of_sum.h"

namespace valley {

void lerp_to_mean(at::Tensor& x, const at::Tensor& sum, int workers, double weight) {
  check_alike(x, sum);
  if (!fused(x)) {
    // M on the device: by a number of the host some devices multiply with 1/M, which is rounded,
    // and off in the same direction in every round.
    x.lerp_(at::div(sum, at::full({}, workers, sum.options())), weight);
    return;
  }
  with_type_of(x, [&](auto type) {
    using T = decltype(type);
    with_mean<T>(workers, [&](auto mean) {
      const T* __restrict s = sum.data_ptr<T>();
      lerp(
          x.data_ptr<T>(), [&](int64_t i) { return mean(s[i]); }, T(weight), x.numel());
    });
  });
}

}  // namespace valley
