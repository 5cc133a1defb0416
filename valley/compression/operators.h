#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

/// The payloads of quantise.h and sparse.h by LibTorch's operators, wherever the tensors are: the
/// same bytes, but for the scale of `sign`, a sum that is rounded otherwise.
namespace valley::operators {

void compress_sign(const at::Tensor& x, at::Tensor& payload);
void decompress_sign(const at::Tensor& payload, at::Tensor& out);

void compress_int8(const at::Tensor& x, at::Tensor& payload);
void decompress_int8(const at::Tensor& payload, at::Tensor& out);

/// The places of the k values of largest modulus in rising order, int64 [k]; of equal moduli those
/// that stand first.
at::Tensor largest(const at::Tensor& x, int64_t k);

/// places [k] and the values there as bytes, places of `place_bytes` each, and back; with 0 bytes
/// a place the payload holds the values alone.
void gather(const at::Tensor& x, const at::Tensor& places, int64_t place_bytes, at::Tensor payload);
void scatter(const at::Tensor& payload, const at::Tensor& places, at::Tensor& out);

/// The places that stand first in a payload, int64 [k].
at::Tensor places_of(const at::Tensor& payload, int64_t k, int64_t place_bytes);

}  // namespace valley::operators
