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
  command->add_flag("--classes", flags->classes,
                    "also how many of every class are right, and which are taken for which");
  command->footer(
      "The model is that of the workers' average, model.safetensors, with the scores of its task.\n"
      "Examples:\n"
      "  valley evaluate runs/first\n"
      "  valley evaluate runs/a runs/b --data images:other-photos --json");
  return [flags, &engine] {
    check(*flags);
    if (!flags->data.empty()) {
      flags->data = expand_home_in_setting("data", flags->data, "--data");
      find_data(flags->data);
    }
    return engine.evaluate(*flags);
  };
}

Command add_predict(CLI::App& program, Engine& engine) {
  auto* command =
      program.add_subcommand("predict", "what the model of a finished run says of files of yours");
  auto flags = std::make_shared<PredictFlags>();
  flags->runs.resize(1);
  as_path(command->add_option("run", flags->runs.front(), "run folder")->required());
  as_path(command
              ->add_option("files", flags->files,
                           "pictures (JPEG, PNG), .npy files of examples; texts: what comes next")
              ->required());
  command
      ->add_option("--device", flags->device,
                   "where to compute: cpu, cuda, cuda:N, or auto: cuda where there is one")
      ->capture_default_str();
  command->add_flag("--json", flags->json, "a line of JSON an example, not of CSV");
  command->footer(
      "A line an example: the file, its place in there, and the class with its probability, or "
      "the\n"
      "values. Examples:\n"
      "  valley predict runs/photos holiday/*.jpg\n"
      "  valley predict runs/numbers x_new.npy --json");
  return [flags, &engine] {
    check(*flags);
    return engine.predict(*flags);
  };
}

}  // namespace valley::app
