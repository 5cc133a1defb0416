#include "valley/algorithms/wire_coder.h"

#include <ATen/ops/add.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/sub.h>

#include "valley/algorithms/half_norms.h"
#include "valley/comm/fused.h"

namespace valley {
WireCoder::WireCoder(const std::string& wire) : compressor_(make_compressor(wire)), wire_(wire) {
  check_wire(wire);
  drops_ = wire == "int8";
}

std::optional<Half> WireCoder::fused_half(const at::Tensor& like) const {
  if (!fused(like) || like.scalar_type() != at::kFloat) return std::nullopt;
  if (wire_ == "bf16") return Half::kBf16;
  if (wire_ == "fp16") return Half::kFp16;
  return std::nullopt;
}

at::Tensor WireCoder::part(const at::Tensor& payload, int64_t begin, int64_t size,
                           const at::Tensor& like) const {
  return payload.narrow(0, bytes(begin, like), bytes(size, like));
}

void WireCoder::encode(const at::Tensor& x, const at::Tensor& from, const at::Tensor& payload,
                       const at::Tensor& known) {
  each_run(x.numel(), x, [&](int64_t begin, int64_t size, at::Tensor scratch) {
    const at::Tensor here = from.narrow(0, begin, size);
    at::Tensor coded = part(payload, begin, size, x);
    if (const auto half = fused_half(x)) {
      encode_difference(*half, x.data_ptr<float>() + begin, here.data_ptr<float>(), halves(coded),
                        size);
      return;
    }
    at::sub_out(scratch, x.narrow(0, begin, size), here);
    compressor_->compress(scratch, 0, coded);
    if (!known.defined()) return;
    compressor_->decompress(coded, scratch);
    at::Tensor there = known.narrow(0, begin, size);
    at::add_out(there, here, scratch);
  });
}

SquaredNorms WireCoder::add_decoded(const at::Tensor& payload, const at::Tensor& r,
                                    const at::Tensor& sum, int workers, const at::Tensor& x) {
  SquaredNorms norms;
  each_run(r.numel(), r, [&](int64_t begin, int64_t size, at::Tensor scratch) {
    const at::Tensor coded = part(payload, begin, size, r);
    at::Tensor here = r.narrow(0, begin, size), total = sum.narrow(0, begin, size);
    if (const auto half = fused_half(r)) {
      add_coded(*half, halves(coded), here.data_ptr<float>(), total.data_ptr<float>(),
                static_cast<float>(workers), size);
    } else {
      compressor_->decompress(coded, scratch);
      at::mul_out(total, here.add_(scratch), workers);
    }
    if (x.defined()) norms += squared_norms(x.narrow(0, begin, size), total, workers, 0, size);
  });
  return norms;
}

SquaredNorms WireCoder::add_decoded(const std::vector<at::Tensor>& payloads, const at::Tensor& r,
                                    int workers, const at::Tensor& x) {
  SquaredNorms norms;
  each_run(r.numel(), r, [&](int64_t begin, int64_t size, const at::Tensor&) {
    std::vector<const uint16_t*> rows;
    for (const at::Tensor& payload : payloads)
      rows.push_back(halves(part(payload, begin, size, r)));
    norms += add_coded_norms(*fused_half(r), rows, r.data_ptr<float>() + begin,
                             x.data_ptr<float>() + begin, workers, size);
  });
  return norms;
}

void WireCoder::lerp_to_known(at::Tensor& x, const at::Tensor& r, int workers,
                              double weight) const {
  lerp_to_multiple(x.data_ptr<float>(), r.data_ptr<float>(), workers, static_cast<float>(weight),
                   x.numel());
}

}  // namespace valley
