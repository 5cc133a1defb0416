#include "valley/record/json_file.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "valley/core/atomic_file.h"
#include "valley/core/error.h"

namespace valley {

std::string to_line(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json finite_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

void write_json(const std::filesystem::path& path, const Json& value) {
  write_atomically(path, value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

Json read_json(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    throw UsageError(fmt::format("{} is not JSON: it breaks at byte {} of {}", path.string(),
                                 error.byte, text.size()));
  }
}

}  // namespace valley
