#include "valley/algorithms/ternary.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/tensor.h>

#include "valley/compression/payload.h"

namespace valley {
namespace {

constexpr uint8_t kPlaces[] = {1, 4, 16, 64};

}  // namespace

at::Tensor pack_ternary(const at::Tensor& x) {
  const int64_t bytes = ternary_bytes(x.numel());
  const at::Tensor digits = at::constant_pad_nd(x.add(1).to(at::kByte), {0, 4 * bytes - x.numel()});
  const at::Tensor places = at::tensor(at::ArrayRef<uint8_t>(kPlaces), at::kByte).to(x.device());
  return digits.view({bytes, 4}).mul(places).sum(1, /*keepdim=*/false, at::kByte);
}

void add_ternary(const at::Tensor& payload, at::Tensor& sum) {
  for (int64_t i = 0; i < 4 && i < sum.numel(); ++i) {
    at::Tensor values = sum.slice(0, i, sum.numel(), 4);  // every fourth
    const at::Tensor digits =
        payload.div(kPlaces[i], "floor").remainder(4).narrow(0, 0, values.numel());
    values.add_(digits.to(sum.scalar_type()).sub_(1));
  }
}

}  // namespace valley
