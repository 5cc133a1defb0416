#include "app/run.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/probe.h"
#include "valley/comm/group.h"
#include "valley/core/error.h"
#include "valley/record/run_folder.h"
#include "valley/record/summary.h"

namespace valley::app {

namespace fs = std::filesystem;

Summary run_in_threads(const RunConfig& config, const DataSplits& data, const JobContext& context) {
  Summary result;
  run_threads(
      static_cast<int>(config.workers),
      [&](Communicator& comm) {
        JobContext with_probe = context;
        with_probe.make_probe = make_probe;
        const Summary summary = run_job(config, data, comm, with_probe);
        if (comm.rank() == 0) result = summary;
      },
      config.timeout);
  return result;
}

std::unique_ptr<RunLock> prepare_run_folder(const RunConfig& config, bool resume) {
  const RunFolder folder = resume ? RunFolder::open(config.out) : RunFolder::create(config.out);
  auto lock = std::make_unique<RunLock>(config.out);
  const Config values = to_config(config);
  if (!resume || read_config(folder.file(RunFolder::kConfig)) != values) {
    folder.write_atomically(RunFolder::kConfig, config_text(values));
  }
  return lock;
}

std::optional<Summary> finished_run(const std::string& out) {
  if (!fs::exists(fs::path(out) / RunFolder::kSummary)) return std::nullopt;
  const Summary summary = summary_from(read_summary(RunFolder::open(out)));
  if (summary.status != "finished") return std::nullopt;
  return summary;
}

std::string default_out(const RunConfig& config) {
  const std::string model = fs::path(config.model).stem().string();
  const std::string base = fmt::format("runs/{}-{}-seed{}", config.algorithm, model, config.seed);
  std::string out = base;
  for (int k = 2; fs::exists(out); ++k) out = fmt::format("{}-{}", base, k);
  return out;
}

}  // namespace valley::app
