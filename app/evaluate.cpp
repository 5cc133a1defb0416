#include <CLI/CLI.hpp>
#include <memory>

#include "app/commands.h"
#include "app/instrument_flags.h"
#include "app/paths.h"
#include "valley/core/error.h"
#include "valley/data/data_names.h"
#include "valley/train/config_paths.h"

namespace valley::app {

Command add_evaluate(CLI::App& program, Engine& engine) {
  auto* command = program.add_subcommand(
      "evaluate", "score the model that a finished run left, on its own data or on other");
  auto flags = std::make_shared<EvaluateFlags>();
  add_run_flags(*command, *flags);
  command->add_option("--data", flags->data,
                      "other data than the run's: NAME or NAME:PATH, both parts of it");
  command->add_option("--worker", flags->worker,
                      "score this worker's own weights in place of the average, counted from 0");
  as_path(command->add_option("--weights", flags->weights,
                              "score the weights of this safetensors file, of the same network"));
  command->add_flag("--classes", flags->classes,
                    "also how many of every class are right, and which are taken for which; into "
                    "classes.json of the run folder, for the report");
  command->add_option_function<std::string>(
      "--adversarial", [flags](const std::string& text) { flags->attack = parse_attack(text); },
      "also the scores of the test part's worst examples nearby, fgsm:EPS or "
      "pgd:EPS:STEPS[:STEP]; into robust.json of the run folder, for the report");
  command->footer(
      "The model is that of the workers' average, model.safetensors, with the scores of its task; "
      "a\n"
      "worker's has BatchNorm's statistics estimated anew for its weights.\n"
      "Examples:\n"
      "  valley evaluate runs/first\n"
      "  valley evaluate runs/a runs/b --data images:other-photos --json");
  return [flags, &engine, command] {
    check(*flags);
    require(flags->worker >= 0 || command->count("--worker") == 0,
            "--worker must be at least 0, got {}", flags->worker);
    require(flags->worker < 0 || flags->weights.empty(), "give --worker or --weights, not both");
    if (!flags->data.empty()) {
      flags->data = expand_home_in_setting("data", flags->data, "--data");
      find_data(flags->data);
    }
    return engine.evaluate(*flags);
  };
}

}  // namespace valley::app
