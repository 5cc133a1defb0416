#include "app/engine/processes.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "app/engine/elastic.h"
#include "app/engine/run.h"
#include "app/engine/stop.h"
#include "app/engine/tell.h"
#include "app/exit_code.h"
#include "valley/comm/backends.h"
#include "valley/comm/launcher.h"
#include "valley/comm/token.h"
#include "valley/core/error.h"
#include "valley/instruments/dynamics_probe.h"
#include "valley/record/progress.h"
#include "valley/record/run_folder.h"
#include "valley/runs/extension.h"
#include "valley/runs/outcome.h"
#include "valley/runs/training_folder.h"

namespace valley::app {
namespace {

bool started_by_us(const WorkerEnvironment& environment) {
  return environment.launcher == Launcher::kValley;
}

struct Prepared {
  Start start = Start::kNew;
  std::unique_ptr<TrainingFolder> folder;
};

// Worker 0 looks and tries; the others learn how it went, and stop with it.
Prepared prepare_run_folder_together(const RunConfig& config, const DataSplits& data,
                                     const FindStart& find_start, bool extend, Communicator& comm) {
  constexpr char kUsage = 'u', kDiverged = 'd', kStart = '0';  // kStart + 0, 1, 2
  Prepared result;
  std::string told;
  if (comm.rank() == 0) {
    try {
      result.start = find_start();
      if (extend) require_extensible(config, data);
      if (result.start != Start::kFinished) {
        result.folder =
            std::make_unique<TrainingFolder>(config, result.start == Start::kResumed, extend);
      }
      told = static_cast<char>(kStart + static_cast<int>(result.start));
    } catch (const UsageError& error) {
      told = kUsage + error.marked();
    } catch (const Diverged& error) {
      told = kDiverged + error.marked();
    }
  }
  const std::string first = comm.all_gather_text(told).front();
  const std::string error = (comm.rank() == 0 ? "" : "rank 0: ") + first.substr(1);
  if (first[0] == kUsage) throw UsageError(error);
  if (first[0] == kDiverged) throw Diverged(error);
  result.start = static_cast<Start>(first[0] - kStart);
  return result;
}

}  // namespace

std::string job_token(const RunConfig& config) {
  if (config.launch == Launch::kThreads) return "";
  std::string token = read_token(config.token_file,
                                 [](const char* name) -> const char* { return std::getenv(name); });
  const std::string& backend = choose_backend(config.backend, "processes").name;
  require(token.empty() || backend == "gloo",
          "VALLEY_TOKEN is set, and what {} {} talks through asks for no token", Key{"backend"},
          backend);
  return token;
}

JoinOptions job_join_options(const RunConfig& config, const WorkerEnvironment& environment,
                             const std::string& token) {
  JoinOptions options = join_options(environment, config.timeout);
  apply({.interface = config.interface,
         .run_id = config.run_id,
         .token = token,
         .card = settings_card(config)},
        options);
  return options;
}

int run_as_worker(RunConfig config, const WorkerEnvironment& environment, const std::string& token,
                  const FindStart& find_start, bool extend, bool quiet, bool json,
                  const std::function<int(const Summary&)>& report) {
  if (environment.gathered >= 0)
    return run_as_elastic_worker(config, environment, token, find_start, quiet, json, report);
  const DataNotes notes;
  const bool shows = environment.rank == 0 && !quiet;
  // Before the wait for the others: if they do not exist, this says who said they would.
  if (shows && !started_by_us(environment)) {
    std::cerr << fmt::format("worker {} of {}, says {}\n", environment.rank, environment.size,
                             name(environment.launcher));
  }
  JoinOptions options = job_join_options(config, environment, token);
  if (!quiet) {
    const auto say = [&](const std::string& text) {
      std::cerr << fmt::format("worker {}: {}\n", environment.rank, text);
    };
    options.on_stall = say;
    if (!started_by_us(environment)) options.on_message = say;
  }
  const auto comm = choose_backend(config.backend, "processes").join(options);
  // From here on there is something to save; until then a signal ends the wait for the others.
  const std::atomic<bool>& stop = stop_on_signals();
  Prepared prepared;
  try {
    const DataSplits data = load_job_data_together(config, *comm);
    config = with_absolute_paths(config);
    prepared = started_by_us(environment)
                   ? Prepared{find_start(), nullptr}
                   : prepare_run_folder_together(config, data, find_start, extend, *comm);
    if (prepared.start == Start::kFinished) {
      comm->barrier();  // nobody leaves while others still ask
      return comm->rank() == 0 ? report(*finished_outcome(config.out)) : 0;
    }
    if (shows) tell(notes);
    const auto progress = progress_unless(!shows);
    const Summary summary = run_job(config, data, *comm,
                                    {.resume = prepared.start == Start::kResumed,
                                     .extend = extend,
                                     .progress = progress.get(),
                                     .stop = &stop,
                                     .make_probe = make_probe,
                                     .show_partition = !json});
    progress->finish();
    comm->barrier();  // nobody leaves while others still work
    if (comm->rank() == 0) return report(summary);
    return summary.status == RunState::Kind::kInterrupted ? exit_code::kInterrupted
                                                          : exit_code::kDone;
  } catch (const std::exception& error) {
    if (prepared.folder && dynamic_cast<const UsageError*>(&error) != nullptr)
      prepared.folder->withdraw();
    comm->abort(marked_text(error));
    throw;
  }
}

std::optional<LaunchSite> launch_site(const RunConfig& config,
                                      const std::optional<WorkerEnvironment>& environment) {
  if (!environment || config.elastic.empty() || environment->gathered >= 0) return std::nullopt;
  require(config.workers % environment->size == 0,
          "{} {}: {} workers are not to be divided among {} machines", Key{"elastic"},
          config.elastic, config.workers, environment->size);
  return LaunchSite{.number = environment->rank,
                    .count = environment->size,
                    .address = environment->master_address,
                    .port = environment->master_port};
}

int launch_workers(const RunConfig& config, const std::string& token, bool resume, bool extend,
                   bool quiet, bool json, const std::optional<LaunchSite>& site) {
  constexpr std::string_view kResume = "--resume=", kConfig = "--config=";
  LaunchOptions options;
  options.token = token;
  options.site = site;
  options.workers = static_cast<int>(config.workers) / (site ? site->count : 1);
  options.grace_seconds = config.timeout + 10;
  if (!config.elastic.empty()) {
    options.elastic = {.min_workers = static_cast<int>(parse_elastic(config.elastic).min),
                       .timeout_seconds = config.timeout};
  }
  options.on_event = [](const LaunchEvent& event) {
    const auto* worker = std::get_if<WorkerExit>(&event);
    if (worker != nullptr && worker->ended_with(exit_code::kInterrupted)) return;  // as told to
    std::cerr << "valley: " + text(event) + "\n";
  };
  options.command_of = [&](const std::string& word) {
    const bool there =
        std::filesystem::exists(std::filesystem::path(word.substr(word.find('=') + 1)));
    require(there,
            "{}: not on this machine; of several that train together all must see the run folder",
            word.substr(word.find('=') + 1));
    std::vector<std::string> command = {"/proc/self/exe", "train", word};
    // What the folder does not have is asked of every start.
    if (!config.interface.empty()) command.push_back("--interface=" + config.interface);
    if (!config.run_id.empty()) command.push_back("--run-id=" + config.run_id);
    if (!config.metrics_file.empty()) command.push_back("--metrics-file=" + config.metrics_file);
    if (!config.metrics_port.empty()) command.push_back("--metrics-port=" + config.metrics_port);
    if (extend) command.push_back("--extend");
    if (config.own_data) command.push_back("--own-data");
    if (quiet) command.push_back("--quiet");
    if (json) command.push_back("--json");
    return command;
  };
  if (!site || site->number == 0) {
    // The run folder has the configuration, whatever it was made from. Launchers elsewhere may
    // stand in another folder.
    const std::filesystem::path out =
        site ? std::filesystem::absolute(config.out) : std::filesystem::path(config.out);
    options.word = resume ? std::string(kResume) + out.string()
                          : std::string(kConfig) + (out / RunFolder::kConfig).string();
    options.command = options.command_of(options.word);
  }
  const LaunchResult result = launch_processes(options);
  const int code = result.exit_code();
  return result.interrupted && code == exit_code::kWorld
             ? exit_code::kStoppedAtOnce
             : code;  // the second signal killed the workers
}

}  // namespace valley::app
