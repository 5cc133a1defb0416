#include "app/numbers.h"

#include <CLI/App.hpp>
#include <charconv>
#include <type_traits>

#include "valley/core/error.h"

namespace valley::app {
namespace {

// CLI11's own conversion says less, and takes 99999999999999999999 for the largest integer.
template <typename T>
std::string check_number(const std::string& flag, const std::string& text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, value);
  const bool whole = std::is_same_v<T, int64_t>;
  require(error != std::errc::result_out_of_range, "{} is out of range: {}", flag, text);
  require(error == std::errc() && last == end, "{} must be {}, got '{}'", flag,
          whole ? "a whole number" : "a number", text);
  return "";
}

}  // namespace

std::string check_whole_number(const std::string& flag, const std::string& text) {
  return check_number<int64_t>(flag, text);
}

std::string check_real_number(const std::string& flag, const std::string& text) {
  return check_number<double>(flag, text);
}

void add_number(CLI::App& command, const std::string& flag, int64_t& value,
                const std::string& help) {
  command.add_option(flag, value, help)->capture_default_str()->check([flag](const auto& text) {
    return check_whole_number(flag, text);
  });
}

void add_number(CLI::App& command, const std::string& flag, double& value,
                const std::string& help) {
  command.add_option(flag, value, help)->capture_default_str()->check([flag](const auto& text) {
    return check_real_number(flag, text);
  });
}

}  // namespace valley::app
