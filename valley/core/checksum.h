#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "valley/core/error.h"

/// What the files share that carry a checksum of themselves: CRC-32C (valley/core/crc32c.h), as
/// eight hexadecimal digits under the key "crc32c". A file without one, of an earlier version or of
/// other people, claims nothing and is taken as it is.
namespace valley {

/// A file is not what was written: another checksum, cut short, no longer of its format.
class DamagedFile : public UsageError {
  using UsageError::UsageError;
};

inline constexpr std::string_view kChecksumKey = "crc32c";

/// "e3069283"
std::string checksum_text(uint32_t crc);

/// Nothing unless it is eight digits of 0 to 9 and a to f.
std::optional<uint32_t> parse_checksum(std::string_view text);

/// Whether `text` is `expected` with one or two flipped bits: a key damaged so would otherwise pass
/// for one that is not there.
bool is_flipped(std::string_view text, std::string_view expected);

/// @throws DamagedFile "PATH is damaged: its checksum is RECORDED, that of its content FOUND".
void require_checksum(const std::string& path, uint32_t recorded, uint32_t found);

}  // namespace valley
