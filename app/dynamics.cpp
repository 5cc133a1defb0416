#include "valley/instruments/dynamics.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/dynamics_text.h"
#include "app/instrument.h"
#include "app/numbers.h"
#include "valley/core/error.h"
#include "valley/instruments/examples.h"

namespace valley::app {
namespace {

struct DynamicsFlags : InstrumentFlags {
  DynamicsOptions options;
};

int dynamics(const DynamicsFlags& flags) {
  check(flags.options);
  check(flags);
  const std::vector<FinishedRun> runs = open_given(flags);
  const int64_t samples = flags.options.samples;
  for (const FinishedRun& run : runs) {
    require(samples == 0 || samples >= run.workers(),
            "--samples {} are fewer than the {} workers of {}", samples, run.workers(),
            run.folder());
  }
  Json all = Json::array();
  std::string text;
  for_each_run(runs, flags, [&](size_t i, const InstrumentWatch& watch) {
    const DynamicsResult result = measure_dynamics(runs[i], flags.options, flags.threads(), watch);
    all.push_back(to_json(result));
    write_json(std::filesystem::path(runs[i].folder()) / kDynamicsFile, all.back());
    text += (text.empty() ? "" : "\n\n") + dynamics_text(result);
  });
  return show({{"runs", all}}, text, flags.json);
}

}  // namespace

Command add_dynamics(CLI::App& program) {
  auto* command = program.add_subcommand(
      "dynamics", "how the workers of a finished run moved, and the noise they live in");
  auto flags = std::make_shared<DynamicsFlags>();
  add_run_flags(*command, *flags);
  add_number(*command, "--samples", flags->options.samples,
             "training examples for losses, gradient and mini-batches, drawn balanced; 0: all");
  add_number(*command, "--seed", flags->options.seed, "of the examples and of all draws");
  add_number(*command, "--draws", flags->options.draws,
             "of mini-batches, and of noise for the smoothed loss");
  add_number(*command, "--sigma", flags->options.sigma,
             "deviation of the noise that smooths the loss; 0: the workers' own");
  add_name(*command, "--batch-norm", flags->options.batch_norm, &parse_batch_norm,
           "of losses: average: the statistics of the average model; probe: re-estimated "
           "wherever one is taken, at twice its cost; gradients have those of their own point");
  command->footer(
      "Writes dynamics.json into every run folder; valley report draws it. What each figure\n"
      "is, costs, and when it misleads: docs/dynamics.md. Examples:\n"
      "  valley dynamics runs/first\n"
      "  valley dynamics runs/compare --samples 0 --draws 100\n"
      "  valley dynamics runs/a runs/b --json --quiet");
  return [flags] { return dynamics(*flags); };
}

}  // namespace valley::app
