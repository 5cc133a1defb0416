#pragma once

#include <functional>

#include "app/engine.h"

namespace CLI {
class App;
}

/// One function a subcommand: declares its flags and what it does. The callback's return value is
/// the exit code.
namespace valley::app {

using Command = std::function<int()>;

Command add_train(CLI::App& program, Engine& engine);
Command add_compare(CLI::App& program, Engine& engine);
Command add_data(CLI::App& program, Engine& engine);
Command add_evaluate(CLI::App& program, Engine& engine);
Command add_predict(CLI::App& program, Engine& engine);
Command add_topology(CLI::App& program);
Command add_estimate(CLI::App& program);
Command add_bench(CLI::App& program, Engine& engine);
Command add_study(CLI::App& program, Engine& engine);
Command add_sharpness(CLI::App& program, Engine& engine);
Command add_landscape(CLI::App& program, Engine& engine);
Command add_dynamics(CLI::App& program, Engine& engine);
Command add_duality(CLI::App& program, Engine& engine);
Command add_report(CLI::App& program);
Command add_list(CLI::App& program);
Command add_completion(CLI::App& program);

}  // namespace valley::app
