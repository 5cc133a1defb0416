#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace valley {

/// Keeps the order in which keys were added.
using Json = nlohmann::ordered_json;

/// One line of JSON. A number that is not finite becomes null, as JSON has no word for it; bytes
/// that are not UTF-8 become the replacement character.
std::string to_line(const Json& value);

/// The number, or null if it is not finite.
Json finite_or_null(double value);

/// Writes `value`, whole or not at all; an object with a checksum (json_checksum.h). @throws
/// IoError
void write_json(const std::filesystem::path& path, const Json& value);

/// What was written, checked. @throws UsageError if the file cannot be read, is no JSON or damaged.
Json read_json(const std::filesystem::path& path);

}  // namespace valley
