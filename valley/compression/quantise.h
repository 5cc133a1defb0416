#pragma once

#include "valley/compression/compressor.h"

namespace valley {

/// Signs with one scale: C(x) = (||x||_1 / d) sign(x), sign(0) = +1. ||x - C(x)||^2 =
/// ||x||^2 - ||x||_1^2 / d. One bit a value and a scale of 4 bytes.
std::unique_ptr<Compressor> make_sign(const CompressorSpec&);

/// 8 bits a value in blocks of 256: round(x / s) s with s = max|x of the block| / 127, to the
/// nearest. d bytes and 4 bytes a block. Error at most s / 2 per value.
std::unique_ptr<Compressor> make_int8(const CompressorSpec&);

}  // namespace valley
