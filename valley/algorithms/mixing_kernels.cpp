// Passes in which vectors of several workers become one.
#include <algorithm>

#include "valley/algorithms/kernels.h"
#include "valley/algorithms/operator_kernels.h"
#include "valley/comm/fused.h"
#include "valley/comm/kernel_types.h"

namespace valley {
namespace {

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

}  // namespace

void mix_into(at::Tensor& out, const at::Tensor& x, double own, const std::vector<double>& weights,
              const std::vector<at::Tensor>& others) {
  check_alike(out, x);
  for (size_t k = 0; k < weights.size(); ++k) check_alike(x, others[k]);
  if (!fused(x)) return operators::mix_into(out, x, own, weights, others);
  with_type_of(x, [&](auto type) {
    using T = decltype(type);
    const std::vector<T> shares(weights.begin(), weights.end());
    std::vector<const T*> values;
    for (size_t k = 0; k < weights.size(); ++k) values.push_back(others[k].data_ptr<T>());
    mix(out.data_ptr<T>(), x.data_ptr<T>(), T(own), shares, values, x.numel());
  });
}

void meet_in_the_middle(at::Tensor& a, at::Tensor& b) {
  check_alike(a, b);
  if (!fused(a)) return operators::meet_in_the_middle(a, b);
  with_type_of(a, [&](auto type) {
    using T = decltype(type);
    T* one = a.data_ptr<T>();
    T* other = b.data_ptr<T>();
    for (int64_t i = 0; i < a.numel(); ++i) one[i] = other[i] = (one[i] + other[i]) / 2;
  });
}

}  // namespace valley
