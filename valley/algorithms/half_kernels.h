#pragma once

#include <cstdint>
#include <vector>

/// The passes of a mean that is said in halves, over float32 in the memory of this machine: what
/// LibTorch's operators make of the same numbers, bit for bit, in one pass.
namespace valley {

enum class Half { kBf16, kFp16 };

/// coded <- C(x - from), rounded to the nearest, n values.
void encode_difference(Half format, const float* x, const float* from, uint16_t* coded, int64_t n);

/// x <- x + coded, and sum <- workers x.
void add_coded(Half format, const uint16_t* coded, float* x, float* sum, float workers, int64_t n);

/// lerp_to_mean(x, workers r, workers, weight), n values.
void lerp_to_multiple(float* x, const float* r, int workers, float weight, int64_t n);

/// coded <- C(the mean of the rows), each of n values.
void average_coded(Half format, const std::vector<const uint16_t*>& rows, uint16_t* coded,
                   int64_t n);

}  // namespace valley
