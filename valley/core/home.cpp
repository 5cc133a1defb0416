#include "valley/core/home.h"

#include <cstdlib>

#include "valley/core/error.h"

namespace valley {

std::string expand_home(const std::string& path, const std::string& what) {
  if (!path.starts_with('~')) return path;
  const std::string first = path.substr(0, path.find('/'));
  require(first == "~", "{} {}: {} is not expanded; write the path out, or ./{} for that very name",
          what, path, first, path);
  const char* home = std::getenv("HOME");
  require(home != nullptr && *home != '\0',
          "{} {}: the variable HOME, which ~ stands for, is not set", what, path);
  return home + path.substr(1);
}

}  // namespace valley
