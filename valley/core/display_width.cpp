#include "valley/core/display_width.h"

#include <algorithm>
#include <cstdint>

namespace valley {
namespace {

// The code point at the front of `text`, which is removed. A broken sequence counts as one.
uint32_t next_code_point(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const size_t length = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  uint32_t code = length == 1 ? lead : lead & (0x7F >> length);
  size_t used = 1;
  for (; used < std::min(length, text.size()); ++used) {
    const auto next = static_cast<unsigned char>(text[used]);
    if ((next & 0xC0) != 0x80) break;
    code = code << 6 | (next & 0x3F);
  }
  text.remove_prefix(used);
  return code;
}

size_t width_of(uint32_t code) {
  const auto in = [code](uint32_t first, uint32_t last) { return first <= code && code <= last; };
  if (in(0x300, 0x36F) || in(0x200B, 0x200F) || in(0xFE00, 0xFE0F)) return 0;
  if (in(0x1100, 0x115F) || in(0x2E80, 0xA4CF) || in(0xAC00, 0xD7A3) || in(0xF900, 0xFAFF) ||
      in(0xFE30, 0xFE6F) || in(0xFF00, 0xFF60) || in(0x1F300, 0x1FAFF) || in(0x20000, 0x3FFFD))
    return 2;
  return 1;
}

}  // namespace

size_t display_width(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) width += width_of(next_code_point(text));
  return width;
}

}  // namespace valley
