#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/curves.h"
#include "app/processes.h"
#include "app/run.h"
#include "app/tables.h"
#include "valley/core/error.h"
#include "valley/record/progress.h"
#include "valley/record/run_folder.h"

namespace valley::app {
namespace {

struct TrainFlags {
  RunConfig config;
  std::string config_file;
  std::string resume;
  bool print_config = false;
  bool quiet = false;
  bool json = false;
};

// A flag given for nothing is a misunderstanding: --push with local-sgd pushes nobody.
void require_flags_are_read(const CLI::App& command, const RunConfig& config) {
  const AlgorithmEntry& entry = find_algorithm(config.algorithm);
  for (const auto& field : config_fields()) {
    if (field.group != "Method" || field.key == "algorithm") continue;
    const bool given = command.get_option("--" + field.key)->count() > 0;
    const auto& read = entry.options;
    require(!given || std::find(read.begin(), read.end(), field.key) != read.end(),
            "--{} is no option of {}, which reads --{}", field.key, entry.name,
            fmt::join(read, ", --"));
  }
}

RunConfig resolve(const CLI::App& command, const TrainFlags& flags) {
  if (flags.resume.empty()) return resolve_config(command, flags.config, flags.config_file);
  require(flags.config_file.empty(),
          "--config and --resume exclude each other: a run is resumed with its own configuration");
  const RunFolder folder = RunFolder::open(flags.resume);
  folder.require_writable("--resume");
  RunConfig config =
      resolve_config(command, flags.config, folder.file(RunFolder::kConfig).string());
  config.out = flags.resume;
  return config;
}

int report(const Summary& summary, const RunConfig& config, const TrainFlags& flags) {
  write_curves(config.out,
               fmt::format("{} of {} on {}, {} workers", config.algorithm, config.model,
                           config.data, config.workers),
               {{config.algorithm, config.out}});
  if (flags.json) {
    std::cout << summary.to_json().dump(2) << "\n";
  } else if (!flags.quiet && summary.status == "finished") {
    std::cout
        << summary_table(summary) << "\nwritten to " << config.out
        << ": model.safetensors, summary.json, curves.svg, metrics.jsonl, TensorBoard events, "
           "trace.json, checkpoints\n";
  }
  if (summary.status != "interrupted") return 0;
  std::cerr << fmt::format(
      "valley: interrupted after step {}; go on with: valley train --resume {}\n", summary.steps,
      config.out);
  return 4;
}

int train(const CLI::App& command, const TrainFlags& flags) {
  RunConfig config = resolve(command, flags);
  const bool resume = !flags.resume.empty();
  const std::optional<WorkerEnvironment> environment =
      worker_environment(config, command.get_option("--workers")->count() > 0);
  to_train_options(config);
  if (!environment) require_flags_are_read(command, config);
  if (flags.print_config) {
    std::cout << config_text(to_config(config));
    return 0;
  }
  if (config.out.empty()) config.out = default_out(config);

  if (environment)
    return run_as_worker(config, *environment, resume, flags.quiet,
                         [&](const Summary& s) { return report(s, config, flags); });
  DataSplits data = load_job_data(config);
  if (!resume) make_run_folder(config);
  if (config.launch == "processes") {
    data = {};  // it was loaded to see whether it can be; every worker loads its own
    return launch_workers(config, resume, flags.quiet, flags.json);
  }
  const auto progress = flags.quiet ? make_no_progress() : make_progress(std::cerr);
  const Summary summary = run_in_threads(
      config, data, {.resume = resume, .progress = progress.get(), .stop = &stop_on_signals()});
  progress->finish();
  return report(summary, config, flags);
}

}  // namespace

Command add_train(CLI::App& program) {
  auto* command = program.add_subcommand("train", "train a model with many workers");
  auto flags = std::make_shared<TrainFlags>();
  add_config_options(*command, flags->config);
  command
      ->add_option("--config", flags->config_file, "read settings from this TOML file; flags win")
      ->group("Run");
  command->add_option("--resume", flags->resume, "go on with the run in this folder")->group("Run");
  command->add_flag("--print-config", flags->print_config, "show the resolved settings and stop")
      ->group("Run");
  command->add_flag("--quiet", flags->quiet, "show nothing but errors")->group("Run");
  command->add_flag("--json", flags->json, "print the summary as JSON")->group("Run");
  return [command, flags] { return train(*command, *flags); };
}

}  // namespace valley::app
