#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/exit_code.h"
#include "app/options.h"
#include "app/paths.h"
#include "app/processes.h"
#include "app/run.h"
#include "app/stop.h"
#include "app/tables.h"
#include "app/tell.h"
#include "valley/core/error.h"
#include "valley/instruments/dynamics_probe.h"
#include "valley/models/model_pass.h"
#include "valley/picture/run_curves.h"
#include "valley/record/run_folder.h"
#include "valley/runs/outcome.h"
#include "valley/runs/same_settings.h"
#include "valley/runs/train_run.h"
#include "valley/runs/training_folder.h"
#include "valley/train/checkpoint.h"

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

// --resume auto: the whole command, whose folder is gone on with if it can be.
constexpr const char* kAuto = "auto";

RunConfig resolve(const CLI::App& command, const TrainFlags& flags) {
  if (flags.resume.empty() || flags.resume == kAuto) {
    RunConfig config = resolved(resolve_config(command, flags.config, flags.config_file));
    require(flags.resume.empty() || !config.out.empty(),
            "--resume auto needs --out, the folder to go on in or to begin");
    return config;
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
  } else if (!flags.quiet && summary.status == RunState::Kind::kFinished) {
    std::cout
        << summary_table(summary) << "\nwritten to " << config.out
        << ": model.safetensors, summary.json, curves.svg, metrics.jsonl, TensorBoard events, "
           "trace.json, checkpoints\n";
  }
}

int show_finished(const Summary& summary, const RunConfig& config, const TrainFlags& flags) {
  if (!flags.quiet) std::cerr << config.out << " is finished already\n";
  show(summary, config, flags);
  return 0;
}

int report_end(const Summary& summary, const RunConfig& config, const TrainFlags& flags) {
  write_curves(config.out,
               fmt::format("{} of {} on {}, {} workers", config.algorithm, model_title(config),
                           config.data, config.workers),
               {{config.algorithm, config.out}});
  show(summary, config, flags);
  if (summary.status != RunState::Kind::kInterrupted) return exit_code::kDone;
  std::cerr << fmt::format("valley: interrupted after step {}; {}\n", summary.steps,
                           how_to_go_on(config));
  return exit_code::kInterrupted;
}

int train_here(const RunConfig& config, const DataSplits& data, bool resume,
               const TrainFlags& flags) {
  const auto progress = progress_unless(flags.quiet);
  const Summary summary = train_in_threads(config, data,
                                           {.resume = resume,
                                            .progress = progress.get(),
                                            .stop = &stop_on_signals(),
                                            .make_probe = make_probe,
                                            .show_partition = !flags.json});
  progress->finish();
  return report_end(summary, config, flags);
}

int train(const CLI::App& command, const TrainFlags& flags) {
  RunConfig config = resolve(command, flags);
  const std::optional<WorkerEnvironment> environment =
      worker_environment(config, command.get_option("--workers")->count() > 0);
  check(config);
  for (const auto& key : method_flags_given(command)) require_read(key, config.algorithm);
  if (flags.print_config) {
    std::cout << config_text(to_config(config));
    return 0;
  }
  if (config.out.empty()) config.out = free_run_folder(config);

  const auto find = [&] {
    if (flags.resume.empty()) return Start::kNew;
    if (flags.resume == kAuto) return find_start(config);
    return finished_outcome(config.out) ? Start::kFinished : Start::kResumed;
  };
  if (environment) {
    bool was_finished = false;
    return run_as_worker(
        config, *environment,
        [&] {
          const Start start = find();
          was_finished = start == Start::kFinished;
          return start;
        },
        flags.quiet, flags.json,
        [&](const Summary& summary) {
          return was_finished ? show_finished(summary, config, flags)
                              : report_end(summary, config, flags);
        });
  }
  const Start start = find();
  if (start == Start::kFinished) return show_finished(*finished_outcome(config.out), config, flags);
  const bool resume = start == Start::kResumed;
  if (resume && !flags.quiet) {
    const std::string notice = damaged_summary_notice(config.out);
    if (!notice.empty()) std::cerr << notice + "\n";
  }
  const DataNotes notes;
  DataSplits data = load_job_data(config);
  config = with_absolute_paths(config);
  const TrainingFolder folder(config, resume);
  try {
    if (config.launch == Launch::kThreads) {
      if (!flags.quiet) tell(notes);
      return train_here(config, data, resume, flags);
    }
  } catch (const UsageError&) {
    folder.withdraw();
    throw;
  } catch (const ModelError& error) {
    throw ModelError(fmt::format("{}; {}", error.marked(), how_to_go_on(config)));
  } catch (const NoWholeCheckpoint& error) {
    throw NoWholeCheckpoint(
        fmt::format("{}; begin anew with: valley train --config {} --out NEW", error.marked(),
                    (std::filesystem::path(config.out) / RunFolder::kConfig).string()));
  } catch (const IoError& error) {
    throw IoError(fmt::format("{}; {}", error.marked(), how_to_go_on(config)));
  } catch (const CommError& error) {
    throw CommError(fmt::format("{}; {}", error.marked(), how_to_go_on(config)));
  }
  data = {};  // it was loaded to see whether it can be; every worker loads its own
  const int code = launch_workers(config, resume, flags.quiet, flags.json);
  if (code == exit_code::kUsage) folder.withdraw();
  if (code == exit_code::kWorld && !finished_outcome(config.out))
    std::cerr << "valley: " << how_to_go_on(config) << "\n";
  return code;
}

}  // namespace

Command add_train(CLI::App& program) {
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
  command->add_flag("--print-config", flags->print_config, "show the resolved settings and stop")
      ->group("Run");
  command->add_flag("--quiet", flags->quiet, "show nothing but errors")->group("Run");
  command->add_flag("--json", flags->json, "print the summary as JSON")->group("Run");
  command->footer(
      "[names]: the algorithms that read a flag. Examples:\n"
      "  valley train --data blobs --model mlp --workers 4 --epochs 3\n"
      "  valley train --algorithm local-sgd --period 16 --out runs/first\n"
      "  valley train --config runs/first/config.toml --lr 0.1 --out runs/second\n"
      "  valley train --resume runs/first\n"
      "  valley train --epochs 50 --out runs/long --checkpoint-every 500 --resume auto");
  return [command, flags] { return train(*command, *flags); };
}

}  // namespace valley::app
