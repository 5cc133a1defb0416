#include "valley/record/units.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <span>
#include <string_view>

namespace valley {
namespace {

// Three digits: 1.23, 12.3, 123. The limits are where the next form would round to.
std::string three_digits(double value) {
  const double size = std::abs(value);
  return fmt::format("{:.{}f}", value, size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
}

std::string scaled(double value, std::span<const std::string_view> units) {
  size_t unit = 0;
  for (; std::abs(value) >= 999.5 && unit + 1 < units.size(); ++unit) value /= 1000;
  return three_digits(value) + std::string(units[unit]);
}

}  // namespace

std::string format_bytes(int64_t bytes) {
  static constexpr std::array<std::string_view, 5> kUnits = {" kB", " MB", " GB", " TB", " PB"};
  if (std::abs(bytes) < 1000) return fmt::format("{} B", bytes);
  return scaled(static_cast<double>(bytes) / 1000, kUnits);
}

std::string format_seconds(double seconds) {
  if (!std::isfinite(seconds)) return "?";
  if (seconds < 0) return fmt::format("-{}", format_seconds(-seconds));
  if (seconds == 0) return "0 s";
  if (seconds < 0.9995) {
    static constexpr std::array<std::string_view, 3> kUnits = {" ns", " us", " ms"};
    return scaled(seconds * 1e9, kUnits);
  }
  if (seconds < 59.95) return three_digits(seconds) + " s";
  if (seconds > 1e15) return "?";
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  const int64_t minutes = (whole + 30) / 60;
  if (minutes < 24 * 60) return fmt::format("{} h {} min", minutes / 60, minutes % 60);
  const int64_t hours = (minutes + 30) / 60;
  return fmt::format("{} d {} h", hours / 24, hours % 24);
}

std::string format_count(int64_t count) {
  std::string digits = fmt::format("{}", count);
  const size_t first = count < 0 ? 1 : 0;
  for (size_t at = digits.size(); at > first + 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

std::string format_short(double value) {
  static constexpr std::array<std::string_view, 5> kUnits = {"", " k", " M", " G", " T"};
  if (!std::isfinite(value)) return fmt::format("{}", value);
  if (std::abs(value) < 0.9995) return fmt::format("{:.3g}", value);
  return scaled(value, kUnits);
}

}  // namespace valley
