#include "app/paths.h"

#include <string>

#include "valley/core/home.h"

namespace valley::app {

CLI::Option* as_path(CLI::Option* option) {
  const std::string name = option->get_name();
  return option->transform([name](const std::string& text) { return expand_home(text, name); });
}

}  // namespace valley::app
