#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/curves.h"
#include "app/processes.h"
#include "app/run.h"
#include "app/tables.h"
#include "valley/core/error.h"
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

RunConfig resolve(const CLI::App& command, const TrainFlags& flags) {
  if (flags.resume.empty()) {
    return resolved(resolve_config(command, flags.config, flags.config_file));
  }
  require(flags.config_file.empty(),
          "--config and --resume exclude each other: a run is resumed with its own configuration");
  return resolve_resumed_config(command, flags.config, flags.resume);
}

std::string how_to_go_on(const RunConfig& config) {
  const bool plain = config.out.find_first_of(" \t\n'\"\\$&;|<>()*?[]#~`!") == std::string::npos;
  return fmt::format("go on with: valley train --resume {0}{1}{0}", plain ? "" : "'", config.out);
}

void show(const Summary& summary, const RunConfig& config, const TrainFlags& flags) {
  if (flags.json) {
    std::cout << summary.to_json().dump(2) << "\n";
  } else if (!flags.quiet && summary.status == "finished") {
    std::cout
        << summary_table(summary) << "\nwritten to " << config.out
        << ": model.safetensors, summary.json, curves.svg, metrics.jsonl, TensorBoard events, "
           "trace.json, checkpoints\n";
  }
}

int report(const Summary& summary, const RunConfig& config, const TrainFlags& flags) {
  write_curves(config.out,
               fmt::format("{} of {} on {}, {} workers", config.algorithm, config.model,
                           config.data, config.workers),
               {{config.algorithm, config.out}});
  show(summary, config, flags);
  if (summary.status != "interrupted") return 0;
  std::cerr << fmt::format("valley: interrupted after step {}; {}\n", summary.steps,
                           how_to_go_on(config));
  return 4;
}

int train_in_threads(const RunConfig& config, const DataSplits& data, const TrainFlags& flags) {
  const auto progress = progress_unless(flags.quiet);
  const Summary summary = run_in_threads(config, data,
                                         {.resume = !flags.resume.empty(),
                                          .progress = progress.get(),
                                          .stop = &stop_on_signals(),
                                          .show_partition = !flags.json});
  progress->finish();
  return report(summary, config, flags);
}

int train(const CLI::App& command, const TrainFlags& flags) {
  RunConfig config = resolve(command, flags);
  const bool resume = !flags.resume.empty();
  const std::optional<WorkerEnvironment> environment =
      worker_environment(config, command.get_option("--workers")->count() > 0);
  to_train_options(config);
  for (const auto& key : method_flags_given(command)) require_read(key, config.algorithm);
  if (flags.print_config) {
    std::cout << config_text(to_config(config));
    return 0;
  }
  if (resume) {
    if (const auto finished = finished_run(config.out)) {
      const bool speaks = !environment || environment->rank == 0;
      if (speaks && !flags.quiet) std::cerr << config.out << " is finished already\n";
      if (speaks) show(*finished, config, flags);
      return 0;
    }
  }
  if (config.out.empty()) config.out = default_out(config);

  if (environment)
    return run_as_worker(config, *environment, resume, flags.quiet, flags.json,
                         [&](const Summary& s) { return report(s, config, flags); });
  DataSplits data = load_job_data(config);
  const auto lock = prepare_run_folder(config, resume);
  try {
    if (config.launch == "threads") return train_in_threads(config, data, flags);
  } catch (const IoError& error) {
    throw IoError(fmt::format("{}; {}", error.what(), how_to_go_on(config)));
  } catch (const CommError& error) {
    throw CommError(fmt::format("{}; {}", error.what(), how_to_go_on(config)));
  }
  data = {};  // it was loaded to see whether it can be; every worker loads its own
  const int code = launch_workers(config, resume, flags.quiet, flags.json);
  if (code == 3) std::cerr << "valley: " << how_to_go_on(config) << "\n";
  return code;
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
  command->footer(
      "[names]: the algorithms that read a flag. Examples:\n"
      "  valley train --data blobs --model mlp --workers 4 --epochs 3\n"
      "  valley train --algorithm local-sgd --period 16 --out runs/first\n"
      "  valley train --config runs/first/config.toml --lr 0.1 --out runs/second\n"
      "  valley train --resume runs/first");
  return [command, flags] { return train(*command, *flags); };
}

}  // namespace valley::app
