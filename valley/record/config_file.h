#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace valley {

using ConfigValue = std::variant<bool, int64_t, double, std::string>;

/// Options by their long flag without the dashes, in the order of the file.
using Config = std::vector<std::pair<std::string, ConfigValue>>;

/// "key = value" in TOML; a double keeps every bit and its decimal point.
/// @throws UsageError if a text is not UTF-8, which TOML cannot hold.
std::string to_toml(const Config& config);

/// The whole file: a comment that says how to repeat the run, then to_toml().
std::string config_text(const Config& config);

/// Reads a flat TOML file.
/// @throws UsageError with file and line for a syntax error, a table, a list or a date.
Config read_config(const std::filesystem::path& path);

/// The same from a text; `name` stands for the file in errors.
Config parse_config(std::string_view text, std::string_view name);

}  // namespace valley
