#pragma once

#include <cstdint>
#include <string_view>

namespace valley {

/// CRC-32C (Castagnoli; RFC 3720, B.4): crc32c("123456789") = 0xE3069283.
///
/// Any one flipped bit changes it, and any burst of up to 32 bits; other damage escapes once in
/// 2^32. It guards against accidents, not against somebody who forges.
///
/// Piecewise: crc32c(b, crc32c(a)) = crc32c(ab), and crc32c("") = 0.
///
/// By the processor's own instruction where it has one (SSE4.2, ARMv8 with CRC; asked at run time):
/// several GB/s, else a quarter of that by tables.
uint32_t crc32c(std::string_view bytes, uint32_t before = 0);

/// The same by tables, on every processor.
uint32_t crc32c_by_tables(std::string_view bytes, uint32_t before = 0);

/// The form in which TFRecord files store it, so that a CRC of bytes with CRCs in them is sound.
uint32_t masked_crc32c(std::string_view bytes);

}  // namespace valley
