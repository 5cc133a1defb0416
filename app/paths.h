#pragma once

#include <CLI/Option.hpp>

namespace valley::app {

/// Its value is a path, or several: ~/ in it is the home folder, however the shell passed it on.
CLI::Option* as_path(CLI::Option* option);

}  // namespace valley::app
