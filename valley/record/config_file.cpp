#include "valley/record/config_file.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <optional>

#include "valley/core/atomic_file.h"
#include "valley/core/error.h"

namespace valley {
namespace {

// JSON's escapes are valid in TOML and all that TOML wants, but for DEL.
std::string quoted(const std::string& text) {
  std::string result = nlohmann::json(text).dump();
  for (size_t at; (at = result.find('\x7f')) != std::string::npos;)
    result.replace(at, 1, "\\u007F");
  return result;
}

std::string toml_key(const std::string& key) {
  const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_';
  });
  return bare ? key : quoted(key);
}

std::string toml_value(const ConfigValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return quoted(*text);
  if (const auto* number = std::get_if<double>(&value)) {
    std::string digits = fmt::format("{}", *number);
    // "3" would come back as an integer; "inf", "nan" and "1e-07" are floats already.
    if (digits.find_first_not_of("-0123456789") == std::string::npos) digits += ".0";
    return digits;
  }
  if (const auto* number = std::get_if<int64_t>(&value)) return fmt::format("{}", *number);
  return std::get<bool>(value) ? "true" : "false";
}

std::optional<ConfigValue> config_value(const toml::node& node) {
  if (const auto* value = node.as_boolean()) return value->get();
  if (const auto* value = node.as_integer()) return value->get();
  if (const auto* value = node.as_floating_point()) return value->get();
  if (const auto* value = node.as_string()) return value->get();
  return std::nullopt;
}

}  // namespace

std::string to_toml(const Config& config) {
  std::string text;
  for (const auto& [key, value] : config) {
    try {
      text += fmt::format("{} = {}\n", toml_key(key), toml_value(value));
    } catch (const nlohmann::json::type_error&) {
      throw UsageError(fmt::format("--{} must be UTF-8 text", key));
    }
  }
  return text;
}

std::string config_text(const Config& config) {
  return "# The configuration of this run, complete. To repeat it:\n"
         "#     valley train --config config.toml --out NEW_FOLDER\n\n" +
         to_toml(config);
}

Config read_config(const std::filesystem::path& path) {
  return parse_config(read_file(path), path.string());
}

Config parse_config(std::string_view text, std::string_view name) {
  toml::table table;
  try {
    table = toml::parse(text, name);
  } catch (const toml::parse_error& error) {
    throw UsageError(
        fmt::format("{}:{}: {}", name, error.source().begin.line, error.description()));
  }

  struct Entry {
    toml::source_position position;
    std::pair<std::string, ConfigValue> item;
  };
  std::vector<Entry> entries;
  for (const auto& [key, node] : table) {
    const auto position = node.source().begin;
    auto value = config_value(node);
    require(value.has_value(), "{}:{}: '{}' must be a text, a number, true or false, got a {}",
            name, position.line, key.str(), [&] {
              if (node.is_table()) return "table";
              return node.is_array() ? "list" : "date or time";
            }());
    entries.push_back({position, {std::string(key.str()), std::move(*value)}});
  }
  // toml++ sorts by key; the file's order is the one the person chose.
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.position < b.position; });
  Config config;
  for (auto& entry : entries) config.push_back(std::move(entry.item));
  return config;
}

}  // namespace valley
