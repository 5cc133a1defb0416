#include "app/train.h"

#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/engine/engine.h"
#include "app/engine/processes.h"
#include "app/engine/run.h"
#include "app/engine/stop.h"
#include "app/engine/tables.h"
#include "app/engine/tell.h"
#include "app/exit_code.h"
#include "valley/core/error.h"
#include "valley/instruments/dynamics_probe.h"
#include "valley/models/model_pass.h"
#include "valley/picture/run_curves.h"
#include "valley/record/run_folder.h"
#include "valley/runs/extension.h"
#include "valley/runs/outcome.h"
#include "valley/runs/same_settings.h"
#include "valley/runs/train_run.h"
#include "valley/runs/training_folder.h"
#include "valley/train/checkpoint.h"
#include "valley/train/gauge_port.h"

namespace valley::app {
namespace {

std::string how_to_go_on(const RunConfig& config) {
  const bool plain = config.out.find_first_of(" \t\n'\"\\$&;|<>()*?[]#~`!") == std::string::npos;
  return fmt::format("go on with: valley train --resume {0}{1}{0}", plain ? "" : "'", config.out);
}

void show(const Summary& summary, const RunConfig& config, const TrainRequest& request) {
  if (request.json) {
    std::cout << summary.to_json().dump(2) << "\n";
  } else if (!request.quiet && summary.status == RunState::Kind::kFinished) {
    std::cout
        << summary_table(summary) << "\nwritten to " << config.out
        << ": model.safetensors, summary.json, curves.svg, metrics.jsonl, TensorBoard events, "
           "trace.json, checkpoints\n";
  }
}

int show_finished(const Summary& summary, const RunConfig& config, const TrainRequest& request) {
  if (!request.quiet) std::cerr << config.out << " is finished already\n";
  show(summary, config, request);
  return 0;
}

int report_end(const Summary& summary, const RunConfig& config, const TrainRequest& request) {
  write_curves(config.out,
               fmt::format("{} of {} on {}, {} workers", config.algorithm, model_title(config),
                           config.data, config.workers),
               {{config.algorithm, config.out}});
  show(summary, config, request);
  if (summary.status != RunState::Kind::kInterrupted) return exit_code::kDone;
  std::cerr << fmt::format("valley: interrupted after step {}; {}\n", summary.steps,
                           how_to_go_on(config));
  return exit_code::kInterrupted;
}

int train_here(const RunConfig& config, const DataSplits& data, bool resume,
               const TrainRequest& request) {
  const auto progress = progress_unless(request.quiet);
  const Summary summary = train_in_threads(config, data,
                                           {.resume = resume,
                                            .extend = request.extend,
                                            .progress = progress.get(),
                                            .stop = &stop_on_signals(),
                                            .make_probe = make_probe,
                                            .show_partition = !request.json});
  progress->finish();
  return report_end(summary, config, request);
}

}  // namespace

int train(const TrainRequest& request) {
  RunConfig config = request.config;
  if (config.out.empty()) config.out = free_run_folder(config);
  if (!request.quiet && (!request.environment || request.environment->rank == 0))
    for (const std::string& note : request.notes) std::cerr << note + "\n";

  const std::string token = job_token(config);  // refused before anything is done
  const std::optional<LaunchSite> site = launch_site(config, request.environment);
  if (!request.environment || request.environment->rank == 0)
    require_free_port(config.metrics_port);

  const auto find = [&] {
    if (request.resume.empty()) return Start::kNew;
    if (request.resume == kAuto) return find_start(config);
    if (request.extend) return Start::kResumed;
    return finished_outcome(config.out) ? Start::kFinished : Start::kResumed;
  };
  if (request.environment && !site) {
    bool was_finished = false;
    return run_as_worker(
        config, *request.environment, token,
        [&] {
          const Start start = find();
          was_finished = start == Start::kFinished;
          return start;
        },
        request.extend, request.quiet, request.json,
        [&](const Summary& summary) {
          return was_finished ? show_finished(summary, config, request)
                              : report_end(summary, config, request);
        });
  }
  const Start start = find();
  if (start == Start::kFinished)
    return show_finished(*finished_outcome(config.out), config, request);
  if (site && site->number > 0) {
    return launch_workers(config, token, false, request.extend, request.quiet, request.json, site);
  }
  const bool resume = start == Start::kResumed;
  if (resume && !request.quiet) {
    const std::string notice = damaged_summary_notice(config.out);
    if (!notice.empty()) std::cerr << notice + "\n";
  }
  const DataNotes notes;
  DataSplits data = load_job_data(config);
  if (request.extend) require_extensible(config, data);
  config = with_absolute_paths(config);
  const TrainingFolder folder(config, resume, request.extend);
  try {
    if (config.launch == Launch::kThreads) {
      if (!request.quiet) tell(notes);
      return train_here(config, data, resume, request);
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
  const int code =
      launch_workers(config, token, resume, request.extend, request.quiet, request.json, site);
  if (code == exit_code::kUsage) folder.withdraw();
  if (code == exit_code::kWorld && !finished_outcome(config.out))
    std::cerr << "valley: " << how_to_go_on(config) << "\n";
  return code;
}

}  // namespace valley::app
