#pragma once

#include <string>

#include "valley/instruments/dynamics.h"

namespace valley::app {

/// The result as tables for a terminal.
std::string dynamics_text(const DynamicsResult& result);

}  // namespace valley::app
