#include "valley/train/config_paths.h"

#include "valley/core/home.h"

namespace valley {

std::string expand_home_in_setting(const std::string& key, const std::string& value,
                                   const std::string& what) {
  if (key == "out" || key == "model" || key == "init" || key == "metrics-file" ||
      key == "token-file" || key == "vocabulary")
    return expand_home(value, what);
  const size_t colon = value.find(':');
  if ((key != "data" && key != "topology") || colon == std::string::npos) return value;
  return value.substr(0, colon + 1) + expand_home(value.substr(colon + 1), what);
}

}  // namespace valley
