#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace valley {

/// The number that the whole text is, in any locale; nothing if it is none or out of range. No
/// blanks and no plus sign; floating point also as "1e-3", "inf" or "nan".
template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace valley
