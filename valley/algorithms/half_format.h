#pragma once

#include <c10/util/Half.h>

#include <bit>
#include <cstdint>

#include "valley/algorithms/half_kernels.h"
#include "valley/core/widest.h"

/// Values of 16 bits, one by one.
namespace valley {

struct Bf16 {
  static uint16_t encode(float value) {
    const auto bits = std::bit_cast<uint32_t>(value);
    const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    const bool number = (bits & 0x7fffffff) <= 0x7f800000;
    return static_cast<uint16_t>(number ? rounded : 0x7fc0);
  }
  static float decode(uint16_t coded) { return std::bit_cast<float>(uint32_t{coded} << 16); }
};

struct Fp16 {
  static uint16_t encode(float value) { return c10::detail::fp16_ieee_from_fp32_value(value); }
  static float decode(uint16_t coded) { return c10::detail::fp16_ieee_to_fp32_value(coded); }
};

/// f, of the format's functions, is VALLEY_INLINED.
template <typename F>
void with_half(Half format, const F& f) {
  widest([&]() VALLEY_INLINED { format == Half::kBf16 ? f(Bf16()) : f(Fp16()); });
}

}  // namespace valley
