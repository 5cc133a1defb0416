#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "valley/core/settings.h"

namespace valley {

using ConfigValue = SettingValue;

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

/// A setting, and the values it takes in turn.
struct ConfigAxis {
  std::string key;
  std::vector<ConfigValue> values;
};

/// Settings that many runs share, those in which they differ, and a table of others.
struct ConfigGrid {
  Config shared;                 ///< the keys outside of all tables
  std::vector<ConfigAxis> grid;  ///< [grid], in the order of the file
  Config others;                 ///< the other table
};

/// Reads such a TOML file; `others` names the other table, which may be missing.
/// @throws UsageError as read_config(); for any other table, a [grid] that is missing or empty, or
///     a key there whose value is no list of one value or more, all different.
ConfigGrid read_config_grid(const std::filesystem::path& path, std::string_view others);

/// The same from a text.
ConfigGrid parse_config_grid(std::string_view text, std::string_view name, std::string_view others);

}  // namespace valley
