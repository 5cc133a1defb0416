#include "valley/record/config_file.h"

#include <fmt/format.h>

// Where NDEBUG is not set toml++ asserts of people's bytes what it otherwise refuses in words.
#define TOML_ASSERT(condition) static_assert(true)
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

toml::table parsed(std::string_view text, std::string_view name) {
  try {
    return toml::parse(text, name);
  } catch (const toml::parse_error& error) {
    throw UsageError(
        fmt::format("{}:{}: {}", name, error.source().begin.line, error.description()));
  }
}

const char* kind_of(const toml::node& node) {
  if (node.is_table()) return "table";
  if (node.is_array()) return "list";
  return node.is_date() || node.is_time() || node.is_date_time() ? "date or time" : "single value";
}

using Entry = std::pair<std::string, const toml::node*>;

// toml++ sorts by key; the file's order is the one the person chose.
std::vector<Entry> in_order(const toml::table& table) {
  std::vector<Entry> entries;
  for (const auto& [key, node] : table) entries.emplace_back(key.str(), &node);
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.second->source().begin < b.second->source().begin;
  });
  return entries;
}

std::optional<ConfigValue> config_value(const toml::node& node) {
  if (const auto* value = node.as_boolean()) return value->get();
  if (const auto* value = node.as_integer()) return value->get();
  if (const auto* value = node.as_floating_point()) return value->get();
  if (const auto* value = node.as_string()) return value->get();
  return std::nullopt;
}

Config settings(const toml::table& table, std::string_view name) {
  Config config;
  for (const auto& [key, node] : in_order(table)) {
    auto value = config_value(*node);
    require(value.has_value(), "{}:{}: '{}' must be a text, a number, true or false, got a {}",
            name, node->source().begin.line, key, kind_of(*node));
    config.emplace_back(key, std::move(*value));
  }
  return config;
}

}  // namespace

std::string to_toml(const Config& config) {
  std::string text;
  for (const auto& [key, value] : config) {
    try {
      text += fmt::format("{} = {}\n", toml_key(key), toml_value(value));
    } catch (const nlohmann::json::type_error&) {
      throw UsageError(fmt::format("{} must be UTF-8 text", Key{key}));
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
  return settings(parsed(text, name), name);
}

ConfigGrid read_config_grid(const std::filesystem::path& path, std::string_view others) {
  return parse_config_grid(read_file(path), path.string(), others);
}

ConfigGrid parse_config_grid(std::string_view text, std::string_view name,
                             std::string_view others) {
  toml::table table = parsed(text, name);
  ConfigGrid result;
  if (const toml::table* other = table[others].as_table()) {
    result.others = settings(*other, name);
    table.erase(others);
  }
  const toml::table* grid = table["grid"].as_table();
  require(
      grid != nullptr && !grid->empty(),
      "{} has no table [grid] with the settings that vary: [grid], and below it lr = [0.1, 0.2]",
      name);
  for (const auto& [key, node] : in_order(*grid)) {
    const toml::array* list = node->as_array();
    const auto line = node->source().begin.line;
    require(list != nullptr && !list->empty(), "{}:{}: [grid] '{}' must be a list of values{}",
            name, line, key,
            list == nullptr ? fmt::format(", got a {}", kind_of(*node)) : ", it is empty");
    ConfigAxis axis{.key = key, .values = {}};
    for (const toml::node& element : *list) {
      auto value = config_value(element);
      require(value.has_value(), "{}:{}: [grid] '{}' must be a list of values, got a {} in it",
              name, line, key, kind_of(element));
      require(std::find(axis.values.begin(), axis.values.end(), *value) == axis.values.end(),
              "{}:{}: [grid] '{}' has {} twice", name, line, key, plain_text(*value));
      axis.values.push_back(std::move(*value));
    }
    result.grid.push_back(std::move(axis));
  }
  table.erase("grid");
  for (const auto& [key, node] : in_order(table)) {
    require(!node->is_table(), "{}:{}: unknown table [{}]; known: grid, {}", name,
            node->source().begin.line, key, others);
  }
  result.shared = settings(table, name);
  return result;
}

}  // namespace valley
