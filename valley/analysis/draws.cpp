#include "valley/analysis/draws.h"

#include <ATen/Dispatch.h>
#include <ATen/ops/empty_like.h>

#include "valley/core/random.h"

namespace valley {
namespace {

template <typename F>
at::Tensor filled(const at::Tensor& like, const F& next) {
  at::Tensor x =
      at::empty_like(like, like.options().device(at::kCPU), at::MemoryFormat::Contiguous);
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "draw", [&] {
    scalar_t* value = x.data_ptr<scalar_t>();
    for (int64_t i = 0; i < x.numel(); ++i) value[i] = static_cast<scalar_t>(next(i));
  });
  return x.to(like.device());  // the same draws everywhere
}

}  // namespace

at::Tensor draw_normals(const at::Tensor& like, uint64_t seed, std::string_view purpose,
                        int64_t draw) {
  Random random(derive_seed(seed, draw, purpose));
  return filled(like, [&](int64_t) { return random.normal(); });
}

at::Tensor draw_signs(const at::Tensor& like, uint64_t seed, std::string_view purpose,
                      int64_t draw) {
  Random random(derive_seed(seed, draw, purpose));
  uint64_t bits = 0;
  return filled(like, [&](int64_t i) {
    if (i % 64 == 0) bits = random.next();
    return (bits >> (i % 64)) % 2 == 0 ? -1.0 : 1.0;
  });
}

}  // namespace valley
