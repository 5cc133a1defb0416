#pragma once

#include <cstdint>
#include <string_view>

namespace valley {

/// CRC-32C (Castagnoli; RFC 3720, B.4): crc32c("123456789") = 0xE3069283.
uint32_t crc32c(std::string_view bytes);

/// The form in which TFRecord files store it, so that a CRC of bytes with CRCs in them is sound.
uint32_t masked_crc32c(std::string_view bytes);

}  // namespace valley
