#include "app/processes.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "app/commands.h"
#include "app/probe.h"
#include "app/run.h"
#include "valley/comm/group.h"
#include "valley/comm/launcher.h"
#include "valley/core/error.h"
#include "valley/record/progress.h"
#include "valley/record/run_folder.h"

namespace valley::app {
namespace {

bool started_by_us(const WorkerEnvironment& environment) {
  return environment.source == "valley --launch processes";
}

// Worker 0 tries; the others learn how it went and stop with it.
std::unique_ptr<RunLock> prepare_run_folder_together(const RunConfig& config, bool resume,
                                                     Communicator& comm) {
  std::string error;
  std::unique_ptr<RunLock> lock;
  if (comm.rank() == 0) {
    try {
      lock = prepare_run_folder(config, resume);
    } catch (const UsageError& e) {
      error = e.what();
    }
  }
  const std::string first = comm.all_gather_text(error).front();
  if (first.empty()) return lock;
  if (comm.rank() == 0) throw UsageError(first);
  throw UsageError("rank 0: " + first);
}

}  // namespace

std::optional<WorkerEnvironment> worker_environment(RunConfig& config, bool workers_given) {
  const auto environment =
      read_environment([](const char* name) -> const char* { return std::getenv(name); });
  if (!environment) return std::nullopt;
  require(!workers_given || config.workers == environment->size,
          "--workers {} contradicts the {} workers of {}", config.workers, environment->size,
          environment->source);
  config.workers = environment->size;
  config.launch = "processes";
  return environment;
}

int run_as_worker(RunConfig config, const WorkerEnvironment& environment, bool resume, bool quiet,
                  bool json, const std::function<int(const Summary&)>& report) {
  const std::atomic<bool>& stop = stop_on_signals();
  const DataSplits data = load_job_data(config);
  const auto comm = make_gloo(gloo_options(environment, config.timeout));
  try {
    std::unique_ptr<RunLock> lock;
    if (!started_by_us(environment)) lock = prepare_run_folder_together(config, resume, *comm);
    const bool shows = comm->rank() == 0 && !quiet;
    if (shows && !started_by_us(environment)) {
      std::cerr << fmt::format("worker {} of {}, says {}\n", environment.rank, environment.size,
                               environment.source);
    }
    const auto progress = progress_unless(!shows);
    const Summary summary = run_job(config, data, *comm,
                                    {.resume = resume,
                                     .progress = progress.get(),
                                     .stop = &stop,
                                     .make_probe = make_probe,
                                     .show_partition = !json});
    progress->finish();
    comm->barrier();  // nobody leaves while others still work
    if (comm->rank() == 0) return report(summary);
    return summary.status == "interrupted" ? 4 : 0;
  } catch (const std::exception& error) {
    comm->abort(error.what());
    throw;
  }
}

int launch_workers(const RunConfig& config, bool resume, bool quiet, bool json) {
  LaunchOptions options;
  options.workers = static_cast<int>(config.workers);
  options.grace_seconds = config.timeout + 10;
  bool interrupted = false;
  options.on_message = [&](const std::string& text) {
    interrupted = interrupted || text.ends_with("passed on to the workers");
    if (text.ends_with("exited with status 4")) return;  // as it was told to
    std::cerr << "valley: " << text << "\n";
  };
  // The run folder has the configuration, whatever it was made from.
  const std::string file = (std::filesystem::path(config.out) / RunFolder::kConfig).string();
  options.command = {"/proc/self/exe", "train",
                     resume ? "--resume=" + config.out : "--config=" + file};
  if (quiet) options.command.push_back("--quiet");
  if (json) options.command.push_back("--json");
  const int code = launch_processes(options).exit_code();
  return interrupted && code == 3 ? 130 : code;  // the second signal killed the workers
}

}  // namespace valley::app
