#include "app/train.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <utility>

#include "app/commands.h"
#include "app/environment.h"
#include "app/exit_code.h"
#include "app/options.h"
#include "app/paths.h"
#include "valley/core/error.h"
#include "valley/train/scaling.h"

namespace valley::app {
namespace {

struct TrainFlags {
  RunConfig config;
  std::string config_file;
  std::string resume;
  std::string scale_from;
  std::string scale_rule = "linear";
  bool extend = false;
  bool print_config = false;
  bool quiet = false;
  bool json = false;
};

RunConfig resolve(const CLI::App& command, const TrainFlags& flags) {
  if (flags.resume.empty() || flags.resume == kAuto) {
    RunConfig config = resolved(resolve_config(command, flags.config, flags.config_file));
    require(flags.resume.empty() || !config.out.empty(),
            "--resume auto needs --out, the folder to go on in or to begin");
    require(!flags.extend, "--extend needs --resume FOLDER, the run to go on with");
    return config;
  }
  require(flags.config_file.empty(),
          "--config and --resume exclude each other: a run is resumed with its own configuration");
  return resolve_resumed_config(command, flags.config, flags.resume, flags.extend);
}

// Of --scale-from, once the number of workers is known.
void scale(const CLI::App& command, const TrainFlags& flags, TrainRequest& request) {
  require(!flags.scale_from.empty() || command.count("--scale-rule") == 0,
          "--scale-rule needs --scale-from");
  if (flags.scale_from.empty()) return;
  require(flags.resume.empty() || flags.resume == kAuto,
          "--scale-from cannot change a run that is resumed: {} has its settings already",
          flags.resume);
  request.config = scaled(std::move(request.config), parse_scale_from(flags.scale_from),
                          parse_scale_rule(flags.scale_rule), request.notes);
}

int train(const CLI::App& command, const TrainFlags& flags, Engine& engine) {
  engine.before_reading(flags.config_file);
  TrainRequest request{.config = resolve(command, flags),
                       .resume = flags.resume,
                       .extend = flags.extend,
                       .quiet = flags.quiet,
                       .json = flags.json,
                       .environment = {},
                       .notes = {}};
  RunConfig& config = request.config;
  request.environment = worker_environment(config, command.get_option("--workers")->count() > 0);
  scale(command, flags, request);
  check(config);
  require(!flags.extend || config.elastic.empty(),
          "--extend is not for --elastic, whose groups share no one place to go on from");
  if (!config.metrics_file.empty()) {
    const auto folder = std::filesystem::absolute(config.metrics_file).parent_path();
    require(std::filesystem::is_directory(folder), "--metrics-file {}: {} is no folder",
            config.metrics_file, folder.string());
  }
  for (const auto& key : method_flags_given(command)) require_read(key, config.algorithm);
  if (!flags.print_config) return engine.train(request);
  std::cout << config_text(to_config(config));
  return exit_code::kDone;
}

}  // namespace

Command add_train(CLI::App& program, Engine& engine) {
  auto* command = program.add_subcommand("train", "train a model with many workers");
  auto flags = std::make_shared<TrainFlags>();
  add_config_options(*command, flags->config);
  as_path(command->add_option("--config", flags->config_file,
                              "read settings from this TOML file; flags win"))
      ->group("Run");
  as_path(command->add_option(
              "--resume", flags->resume,
              "go on with the run in this folder; auto: with that of --out if there is one"))
      ->group("Run");
  command
      ->add_option("--scale-from", flags->scale_from,
                   "WORKERS or WORKERSxBATCH that the settings were found with: learning rate and "
                   "period follow to the number there is")
      ->group("Workers");
  command
      ->add_option(
          "--scale-rule", flags->scale_rule,
          "of --scale-from: the learning rate grows linear with the examples of a step, or "
          "by their square-root")
      ->capture_default_str()
      ->group("Workers");
  command
      ->add_flag("--extend", flags->extend,
                 "with --resume FOLDER: its --epochs, --steps, rate and what ends it may change")
      ->group("Run");
  command->add_flag("--print-config", flags->print_config, "show the resolved settings and stop")
      ->group("Run");
  command->add_flag("--quiet", flags->quiet, "show nothing but errors")->group("Run");
  command->add_flag("--json", flags->json, "print the summary as JSON")->group("Run");
  command->footer(
      "[names]: the algorithms that read a flag. Examples:\n"
      "  valley train --data blobs --model mlp --workers 4 --epochs 3\n"
      "  valley train --algorithm local-sgd --period 16 --out runs/first\n"
      "  valley train --config runs/first/config.toml --lr 0.1 --out runs/second\n"
      "  valley train --config runs/first/config.toml --workers 8 --scale-from 4 --out runs/eight\n"
      "  valley train --resume runs/first\n"
      "  valley train --resume runs/first --extend --epochs 20 --lr 0.01\n"
      "  valley train --epochs 50 --out runs/long --checkpoint-every 500 --resume auto");
  return [command, flags, &engine] { return train(*command, *flags, engine); };
}

}  // namespace valley::app
