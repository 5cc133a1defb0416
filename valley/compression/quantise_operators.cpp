#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/where.h>

#include "valley/compression/operators.h"
#include "valley/compression/payload.h"

namespace valley::operators {
namespace {

// x [d] with zeros behind, [rows, width].
at::Tensor in_rows(const at::Tensor& x, int64_t width) {
  const int64_t rows = (x.numel() + width - 1) / width;
  return at::constant_pad_nd(x, {0, rows * width - x.numel()}).view({rows, width});
}

// 1, 2, 4 ... 128: the bits of a byte.
at::Tensor bits_like(const at::Tensor& bytes) {
  return at::pow(2, at::arange(8, bytes.options().dtype(at::kInt))).to(at::kByte);
}

// As it stands in the payload, wherever that begins.
at::Tensor floats_in(const at::Tensor& bytes) {
  return bytes.clone(at::MemoryFormat::Contiguous).view(at::kFloat);
}

}  // namespace

void compress_sign(const at::Tensor& x, at::Tensor& payload) {
  const at::Tensor scale = x.abs().sum(at::kDouble).div(x.numel()).to(at::kFloat);
  const at::Tensor negative = in_rows(x.lt(0).to(at::kByte), 8);  // [d / 8, 8]
  payload.narrow(0, 0, kScaleBytes).copy_(scale.reshape({1}).view(at::kByte));
  payload.narrow(0, kScaleBytes, negative.size(0))
      .copy_(negative.mul(bits_like(negative)).sum(1, false, at::kByte));
}

void decompress_sign(const at::Tensor& payload, at::Tensor& out) {
  const at::Tensor scale = floats_in(payload.narrow(0, 0, kScaleBytes));  // [1]
  const at::Tensor bytes = payload.narrow(0, kScaleBytes, payload.numel() - kScaleBytes);
  const at::Tensor negative = bytes.unsqueeze(1).bitwise_and(bits_like(bytes)).ne(0);
  out.copy_(at::where(negative, -scale, scale).flatten().narrow(0, 0, out.numel()));
}

void compress_int8(const at::Tensor& x, at::Tensor& payload) {
  const at::Tensor blocks = in_rows(x, kInt8Block);
  const at::Tensor scale = blocks.abs().amax(1, true).to(at::kFloat).div(127);  // [blocks, 1]
  const at::Tensor levels = at::where(scale.gt(0), blocks.to(at::kDouble).div(scale), 0.0);
  const at::Tensor rounded = levels.round().clamp(-127, 127).to(at::kChar);
  const at::Tensor bytes = at::cat({scale.view(at::kByte), rounded.view(at::kByte)}, 1).flatten();
  payload.copy_(bytes.narrow(0, 0, payload.numel()));
}

void decompress_int8(const at::Tensor& payload, at::Tensor& out) {
  const at::Tensor blocks = in_rows(payload, kScaleBytes + kInt8Block);
  const at::Tensor scale = floats_in(blocks.narrow(1, 0, kScaleBytes));  // [blocks, 1]
  const at::Tensor levels = blocks.narrow(1, kScaleBytes, kInt8Block).contiguous().view(at::kChar);
  out.copy_(levels.to(at::kFloat).mul(scale).flatten().narrow(0, 0, out.numel()));
}

}  // namespace valley::operators
