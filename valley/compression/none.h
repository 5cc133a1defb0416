#pragma once

#include "valley/compression/compressor.h"

namespace valley {

/// Everything, as it is: C(x) = x. d values.
std::unique_ptr<Compressor> make_none(const CompressorSpec&);

/// x rounded to bfloat16 (8 bits of exponent, 7 of fraction), to the nearest. 2 d bytes. Relative
/// error at most 2^-8 per value.
std::unique_ptr<Compressor> make_bf16(const CompressorSpec&);

/// x rounded to IEEE half precision, to the nearest. 2 d bytes. Relative error at most 2^-11 per
/// value within [6.1e-5, 65504]; above that infinity.
std::unique_ptr<Compressor> make_fp16(const CompressorSpec&);

}  // namespace valley
