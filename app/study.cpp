#include <CLI/CLI.hpp>
#include <memory>

#include "app/commands.h"
#include "app/environment.h"
#include "app/instrument_flags.h"
#include "app/numbers.h"
#include "app/paths.h"

namespace valley::app {

Command add_study(CLI::App& program, Engine& engine) {
  auto* command = program.add_subcommand(
      "study", "train a grid of runs, and rank the sharpness measures by the gap they explain");
  auto flags = std::make_shared<StudyFlags>();
  as_path(command->add_option("recipe", flags->recipe,
                              "TOML file: the settings all runs share, [grid] and [sharpness]"))
      ->required();
  as_path(command->add_option("--out", flags->out, "folder of the study; empty: runs/RECIPE"));
  add_number(*command, "--workers", flags->workers,
             "threads that share the batches of a measure; 0: one a core");
  command->add_flag("--print-runs", flags->print_runs, "show the runs of the grid and stop");
  command->add_flag("--quiet", flags->quiet, "show nothing but the result and errors");
  command->add_flag("--json", flags->json, "print study.json instead of the table");
  command->footer(
      "The same call again goes on where it was interrupted, and trains and measures nothing\n"
      "twice. How to read the table: docs/study.md. Examples:\n"
      "  valley study recipes/study.toml --print-runs\n"
      "  valley study recipes/study.toml --out runs/study");
  return [flags, &engine] {
    require_no_launcher("study");
    check(*flags);
    return engine.study(*flags);
  };
}

}  // namespace valley::app
