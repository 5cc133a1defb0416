#include "valley/report/json_parts.h"

#include <nlohmann/json.hpp>

namespace valley {

const Json* find_part(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

const Json& part(const Json& object, const char* key) {
  static const Json none;
  const Json* found = find_part(object, key);
  return found ? *found : none;
}

}  // namespace valley
