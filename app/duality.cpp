#include <CLI/CLI.hpp>
#include <memory>

#include "app/commands.h"
#include "app/instrument_flags.h"
#include "app/numbers.h"

namespace valley::app {

Command add_duality(CLI::App& program, Engine& engine) {
  auto* command = program.add_subcommand(
      "duality", "which directions of a layer's weights the generalisation gap comes from");
  auto flags = std::make_shared<DualityFlags>();
  add_run_flags(*command, *flags);
  command->add_option("--layer", flags->options.layer,
                      "a dense layer with a bias, by its name (fc2); without it the last one");
  add_number(*command, "--directions", flags->options.directions,
             "of the layer's weights, in which the training loss bends most");
  add_number(*command, "--samples", flags->options.samples,
             "training and test examples, drawn balanced; 0: all");
  add_number(*command, "--seed", flags->options.seed, "of the examples");
  command->footer(
      "What the figures are, cost, and when they mislead: docs/measures.md. Example:\n"
      "  valley duality runs/first --layer fc1 --directions 10");
  return [flags, &engine] {
    check(flags->options);
    check(*flags);
    return engine.duality(*flags);
  };
}

}  // namespace valley::app
