#include "valley/core/checksum.h"

#include <bit>
#include <charconv>

namespace valley {

std::string checksum_text(uint32_t crc) { return fmt::format("{:08x}", crc); }

std::optional<uint32_t> parse_checksum(std::string_view text) {
  constexpr size_t kDigits = 8;
  if (text.size() != kDigits) return std::nullopt;
  if (text.find_first_not_of("0123456789abcdef") != text.npos) return std::nullopt;
  uint32_t crc = 0;
  std::from_chars(text.data(), text.data() + kDigits, crc, 16);
  return crc;
}

bool is_flipped(std::string_view text, std::string_view expected) {
  if (text.size() != expected.size()) return false;
  int bits = 0;
  for (size_t i = 0; i < text.size() && bits <= 2; ++i)
    bits += std::popcount(static_cast<uint8_t>(text[i] ^ expected[i]));
  return bits == 1 || bits == 2;
}

void require_checksum(const std::string& path, uint32_t recorded, uint32_t found) {
  if (recorded == found) return;
  throw DamagedFile(fmt::format("{} is damaged: its checksum is {}, that of its content {}", path,
                                checksum_text(recorded), checksum_text(found)));
}

}  // namespace valley
