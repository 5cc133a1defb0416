#pragma once

#include "app/engine.h"

namespace valley::app {

/// The program `valley`: reads the command line, has what it asks for done, turns errors into one
/// line and an exit code.
int run_program(int argc, char** argv, Engine& engine);

}  // namespace valley::app
