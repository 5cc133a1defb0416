#include "valley/core/error.h"

namespace valley {

std::string spell_keys(std::string_view text, std::string_view before) {
  std::string result;
  for (const char c : text) {
    if (c == kKeyMark) {
      result += before;
    } else {
      result += c;
    }
  }
  return result;
}

std::string marked_text(const std::exception& error) {
  const auto* own = dynamic_cast<const Error*>(&error);
  return own != nullptr ? own->marked() : error.what();
}

}  // namespace valley
