#pragma once

#include "valley/compression/compressor.h"

namespace valley {

/// The k = ceil(share d) values of largest modulus, the rest 0; of equal moduli those that stand
/// first. ||x - C(x)||^2 <= (1 - k/d) ||x||^2. k values and k 32-bit places (64-bit from d = 2^31).
std::unique_ptr<Compressor> make_top_k(const CompressorSpec&);

/// k = ceil(share d) values at places drawn without replacement from the call's draw, the rest
/// 0; not scaled up, so that it is a contraction: E||x - C(x)||^2 = (1 - k/d) ||x||^2. k values and
/// the 8 bytes of the draw, from which the receiver finds the places again.
std::unique_ptr<Compressor> make_random_k(const CompressorSpec&);

}  // namespace valley
