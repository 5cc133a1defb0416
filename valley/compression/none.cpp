#include "valley/compression/none.h"

#include <c10/core/ScalarType.h>

namespace valley {
namespace {

// Sends the values in another dtype, or their own.
class Cast : public Compressor {
 public:
  Cast(const CompressorSpec& spec, at::ScalarType dtype) : Compressor(spec), dtype_(dtype) {}

  void compress(const at::Tensor& x, uint64_t, at::Tensor& payload) const override {
    payload.view(sent(x)).copy_(x);
  }
  void decompress(const at::Tensor& payload, at::Tensor& out) const override {
    out.copy_(payload.view(sent(out)));
  }

 private:
  at::ScalarType sent(const at::Tensor& x) const {
    return dtype_ == at::ScalarType::Undefined ? x.scalar_type() : dtype_;
  }

  at::ScalarType dtype_;  // Undefined: that of x
};

}  // namespace

std::unique_ptr<Compressor> make_none(const CompressorSpec& spec) {
  return std::make_unique<Cast>(spec, at::ScalarType::Undefined);
}
std::unique_ptr<Compressor> make_bf16(const CompressorSpec& spec) {
  return std::make_unique<Cast>(spec, at::kBFloat16);
}
std::unique_ptr<Compressor> make_fp16(const CompressorSpec& spec) {
  return std::make_unique<Cast>(spec, at::kHalf);
}

}  // namespace valley
