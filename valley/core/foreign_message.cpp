#include "valley/core/foreign_message.h"

#include <algorithm>
#include <cctype>
#include <vector>

namespace valley {
namespace {

constexpr std::string_view kBlank = " \t\r\v\f";

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin);
}

// The lines that say something, without the blanks around them.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    if (line.find_first_not_of(".:;,") != std::string_view::npos) lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// Behind "builtins.ValueError:"; npos for a line that begins otherwise.
size_t behind_error_name(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return colon;
  const std::string_view name = line.substr(0, colon);
  const bool is_name = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '.' || c == '_';
  });
  const bool is_error = name.ends_with("Error") || name.ends_with("Exception");
  return is_name && is_error ? colon + 1 : std::string_view::npos;
}

std::string_view without_location(std::string_view line) {
  if (!line.starts_with("[enforce fail")) return line;
  const size_t location = line.find("] ");
  if (location == std::string_view::npos) return line;
  std::string_view rest = trimmed(line.substr(location + 2));
  if (rest.starts_with(". ")) rest = trimmed(rest.substr(2));
  return rest.empty() || rest == "." ? line : rest;
}

}  // namespace

std::string one_line(std::string_view message) {
  const std::vector<std::string_view> lines = lines_of(message);
  if (lines.empty()) return "no reason given";
  for (size_t i = lines.size(); i-- > 0;) {
    const size_t behind = behind_error_name(lines[i]);
    if (behind == std::string_view::npos) continue;
    if (const auto rest = trimmed(lines[i].substr(behind)); !rest.empty()) {
      return std::string(rest);
    }
    // The text may begin on the next line; an error raised without one leaves its name.
    return std::string(i + 1 < lines.size() ? lines[i + 1] : lines[i].substr(0, behind - 1));
  }
  std::string_view first = without_location(lines.front());
  while (first.ends_with(':')) first = trimmed(first.substr(0, first.size() - 1));
  return std::string(first);
}

}  // namespace valley
