#include "valley/record/json_file.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "valley/core/atomic_file.h"
#include "valley/core/checksum.h"
#include "valley/core/crc32c.h"
#include "valley/core/nesting.h"
#include "valley/record/json_checksum.h"

namespace valley {

std::string to_line(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json finite_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

void write_json(const std::filesystem::path& path, const Json& value) {
  const auto write = [&](const Json& all) {
    write_atomically(path, all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  };
  value.is_object() ? write(with_checksum(value)) : write(value);
}

Json with_checksum(Json object) {
  const std::string key(kChecksumKey);
  object.erase(key);
  object[key] = checksum_text(crc32c(to_line(object)));
  return object;
}

Json without_checksum(Json object, const std::string& name) {
  for (const auto& [key, value] : object.items()) {
    if (is_flipped(key, kChecksumKey))
      throw DamagedFile(fmt::format("{} is damaged: '{}' stands for {}", name, key, kChecksumKey));
  }
  const std::string key(kChecksumKey);
  const auto found = object.find(key);
  if (found == object.end()) return object;
  const auto recorded =
      found->is_string() ? parse_checksum(found->get<std::string>()) : std::nullopt;
  if (!recorded) {
    throw DamagedFile(fmt::format("{} is damaged: its checksum is {}", name, to_line(*found)));
  }
  object.erase(key);
  require_checksum(name, *recorded, crc32c(to_line(object)));
  return object;
}

std::string too_deep(const std::string& name) {
  return fmt::format("{} nests lists more than {} deep", name, kDeepestJson);
}

Json read_json(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  if (is_too_deep(text)) throw DamagedFile(too_deep(path.string()));
  try {
    Json value = Json::parse(text);
    return value.is_object() ? without_checksum(std::move(value), path.string()) : value;
  } catch (const Json::parse_error& error) {
    throw DamagedFile(fmt::format("{} is not JSON: it breaks at byte {} of {}", path.string(),
                                  error.byte, text.size()));
  } catch (const Json::out_of_range&) {
    throw DamagedFile(
        fmt::format("{} is not JSON: it holds a number that is too large", path.string()));
  }
}

}  // namespace valley
