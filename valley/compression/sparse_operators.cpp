#include <ATen/core/TensorBody.h>
#include <ATen/ops/sort.h>

#include "valley/compression/operators.h"

namespace valley::operators {
namespace {

at::ScalarType type_of_places(int64_t bytes) { return bytes == 4 ? at::kInt : at::kLong; }

// As they stand in the payload, wherever that begins.
at::Tensor read(const at::Tensor& bytes, at::ScalarType type) { return bytes.clone().view(type); }

}  // namespace

at::Tensor largest(const at::Tensor& x, int64_t k) {
  const at::Tensor order = std::get<1>(at::sort(x.abs(), /*stable=*/true, 0, /*descending=*/true));
  return std::get<0>(at::sort(order.narrow(0, 0, k)));
}

void gather(const at::Tensor& x, const at::Tensor& places, int64_t place_bytes,
            at::Tensor payload) {
  const int64_t begin = places.numel() * place_bytes;
  if (place_bytes > 0)
    payload.narrow(0, 0, begin).copy_(places.to(type_of_places(place_bytes)).view(at::kByte));
  payload.narrow(0, begin, payload.numel() - begin)
      .copy_(x.index_select(0, places).view(at::kByte));
}

void scatter(const at::Tensor& payload, const at::Tensor& places, at::Tensor& out) {
  const int64_t bytes = places.numel() * static_cast<int64_t>(out.element_size());
  out.zero_().index_copy_(
      0, places, read(payload.narrow(0, payload.numel() - bytes, bytes), out.scalar_type()));
}

at::Tensor places_of(const at::Tensor& payload, int64_t k, int64_t place_bytes) {
  return read(payload.narrow(0, 0, k * place_bytes), type_of_places(place_bytes)).to(at::kLong);
}

}  // namespace valley::operators
