#include <CLI/CLI.hpp>
#include <memory>

#include "app/commands.h"
#include "app/instrument_flags.h"
#include "app/numbers.h"

namespace valley::app {

Command add_dynamics(CLI::App& program, Engine& engine) {
  auto* command = program.add_subcommand(
      "dynamics", "how the workers of a finished run moved, and the noise they live in");
  auto flags = std::make_shared<DynamicsFlags>();
  add_run_flags(*command, *flags);
  add_number(
      *command, "--samples", flags->options.samples,
      "training examples for losses, gradient and mini-batches, of every class its share; 0: all");
  add_number(*command, "--seed", flags->options.seed, "of the examples and of all draws");
  add_number(*command, "--draws", flags->options.draws,
             "of mini-batches, and of noise for the smoothed loss");
  add_number(*command, "--sigma", flags->options.sigma,
             "deviation of the noise that smooths the loss; 0: the workers' own");
  add_number(*command, "--eigenvectors", flags->options.eigenvectors,
             "of the Hessian's sharpest, that the workers' gaps are held against; 0: none");
  add_name(*command, "--batch-norm", flags->options.batch_norm, &parse_batch_norm,
           "of losses: average: the statistics of the average model; probe: re-estimated "
           "wherever one is taken, at twice its cost; gradients have those of their own point");
  command->footer(
      "Writes dynamics.json into every run folder; valley report draws it. What each figure\n"
      "is, costs, and when it misleads: docs/dynamics.md. Examples:\n"
      "  valley dynamics runs/first\n"
      "  valley dynamics runs/compare --samples 0 --draws 100\n"
      "  valley dynamics runs/a runs/b --json --quiet");
  return [flags, &engine] {
    check(flags->options);
    check(*flags);
    return engine.dynamics(*flags);
  };
}

}  // namespace valley::app
