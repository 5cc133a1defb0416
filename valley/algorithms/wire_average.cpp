// What the owner of a slice makes of what the workers sent it.
#include <ATen/ops/sub.h>

#include "valley/algorithms/wire_coder.h"

namespace valley {

void WireCoder::average(const std::vector<at::Tensor>& payloads, const at::Tensor& e,
                        const at::Tensor& payload) {
  const double share = 1 / double(payloads.size());
  each_run(e.numel(), e, [&](int64_t begin, int64_t size, at::Tensor scratch) {
    if (const auto half = fused_half(e)) {
      std::vector<const uint16_t*> rows;
      for (const at::Tensor& one : payloads) rows.push_back(halves(part(one, begin, size, e)));
      return average_coded(*half, rows, halves(part(payload, begin, size, e)), size);
    }
    at::Tensor total = total_.narrow(0, 0, size), left = e.narrow(0, begin, size);
    total.copy_(left);
    for (const at::Tensor& one : payloads) {
      compressor_->decompress(part(one, begin, size, e), scratch);
      total.add_(scratch, share);
    }
    at::Tensor coded = part(payload, begin, size, e);
    compressor_->compress(total, 0, coded);
    if (!drops_) return;
    compressor_->decompress(coded, scratch);
    at::sub_out(left, total, scratch);
  });
}

}  // namespace valley
