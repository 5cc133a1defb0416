#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>

#include "app/commands.h"
#include "app/instrument_flags.h"
#include "app/paths.h"
#include "valley/core/error.h"

namespace valley::app {
namespace {

void check_prompt(const PredictFlags& flags) {
  require(!flags.files.empty() || !flags.prompt.empty(),
          "give files to ask about, or --prompt a text");
  require(flags.length >= 0, "--length must be at least 0, got {}", flags.length);
  require(flags.prompt.empty() || flags.length > 0, "--prompt needs --length: how far to go on");
  require(flags.temperature >= 0 && std::isfinite(flags.temperature),
          "--temperature must be at least 0, got {}", flags.temperature);
  require(flags.length > 0 || flags.temperature == 0, "--temperature needs --length");
  require(flags.seed >= 0, "--seed must be at least 0, got {}", flags.seed);
}

}  // namespace

Command add_predict(CLI::App& program, Engine& engine) {
  auto* command =
      program.add_subcommand("predict", "what the model of a finished run says of files of yours");
  auto flags = std::make_shared<PredictFlags>();
  flags->runs.resize(1);
  as_path(command->add_option("run", flags->runs.front(), "run folder")->required());
  as_path(command->add_option(
      "files", flags->files,
      "pictures (JPEG, PNG), .npy files of examples, tables (CSV); texts: what comes next"));
  command
      ->add_option("--device", flags->device,
                   "where to compute: cpu, cuda, cuda:N, or auto: cuda where there is one")
      ->capture_default_str();
  command->add_option("--length", flags->length,
                      "of text: go on with each file for so many tokens, and print what comes");
  command->add_option("--prompt", flags->prompt, "of text: go on with this, beside the files");
  command
      ->add_option("--temperature", flags->temperature,
                   "of --length: 0 takes the likeliest token, 1 draws as the model says")
      ->capture_default_str();
  command->add_option("--seed", flags->seed, "of these draws")->capture_default_str();
  command->add_flag("--json", flags->json, "a line of JSON an example, not of CSV");
  command->footer(
      "A line an example: the file, its place in there, and the class with its probability, the\n"
      "labels that are likely, or the values. Examples:\n"
      "  valley predict runs/photos holiday/*.jpg\n"
      "  valley predict runs/numbers x_new.npy --json\n"
      "  valley predict runs/houses asked.csv\n"
      "  valley predict runs/book --prompt 'It was' --length 200 --temperature 0.8");
  return [flags, &engine] {
    check(*flags);
    check_prompt(*flags);
    return engine.predict(*flags);
  };
}

}  // namespace valley::app
