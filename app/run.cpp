#include "app/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "app/finished_run.h"
#include "app/probe.h"
#include "app/stop.h"
#include "app/tell.h"
#include "valley/comm/group.h"
#include "valley/comm/rendezvous.h"
#include "valley/core/checksum.h"
#include "valley/core/error.h"
#include "valley/record/run_folder.h"
#include "valley/train/model_file.h"

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

TrainingFolder::TrainingFolder(const RunConfig& config, bool resume)
    : path_(config.out), new_(!resume) {
  std::error_code error;
  for (fs::path folder = path_; !folder.empty() && !fs::exists(folder, error);
       folder = folder.parent_path()) {
    if (folder.has_filename()) made_.push_back(folder);  // not the "" behind "runs/first/"
  }
  try {
    const RunFolder folder = resume ? RunFolder::open(path_) : RunFolder::create(path_);
    lock_ = std::make_unique<RunLock>(path_);
    // Before config.toml, which makes the folder a run.
    if (!resume) keep_model_file(config);
    const Config values = to_recorded_config(config);
    if (!resume || read_config(folder.file(RunFolder::kConfig)) != values) {
      folder.write_atomically(RunFolder::kConfig, config_text(values));
    }
  } catch (...) {
    withdraw();
    throw;
  }
}

void TrainingFolder::withdraw() const {
  std::error_code error;
  // Whatever comes up once something has been saved: it is kept.
  for (const auto saved : {RunFolder::kCheckpoints, RunFolder::kSummary}) {
    if (fs::exists(path_ / saved, error)) return;
  }
  if (new_ && lock_ != nullptr) {  // else it is another's
    for (const auto name :
         {RunFolder::kConfig, RunFolder::kMetrics, std::string_view("partition.json"),
          std::string_view(kInitialModel), std::string_view(kInitialRecord)}) {
      fs::remove(path_ / name, error);
    }
  }
  for (const fs::path& folder : made_) fs::remove(folder, error);  // if there is nothing in it
}

std::optional<Summary> finished_run(const std::string& out) {
  if (!fs::exists(fs::path(out) / RunFolder::kSummary)) return std::nullopt;
  try {
    const Summary summary = load_summary(RunFolder::open(out));
    if (summary.status == RunState::Kind::kFinished) return summary;
  } catch (const UsageError&) {  // damaged: it is the checkpoints that say how far it came
  }
  return std::nullopt;
}

void mention_damaged_summary(const std::string& out) {
  if (!fs::exists(fs::path(out) / RunFolder::kSummary)) return;
  try {
    load_summary(RunFolder::open(out));
  } catch (const UsageError& error) {
    const std::string reason = error.what();
    std::cerr << reason.substr(0, reason.rfind("; ")) << "; it is written anew\n";
  }
}

void require_no_launcher(const std::string& command) {
  if (const auto launcher = read_environment([](const char* name) { return std::getenv(name); })) {
    throw UsageError(fmt::format("valley {} starts its own workers; call it without {}", command,
                                 name(launcher->launcher)));
  }
}

std::unique_ptr<Progress> progress_unless(bool quiet) {
  return quiet ? make_no_progress() : make_progress(std::cerr);
}

std::string first_difference(const RunConfig& recorded, const RunConfig& given,
                             const std::vector<std::string>& but) {
  const RunConfig there = with_absolute_paths(resolved(recorded)),
                  config = with_absolute_paths(resolved(given));
  for (const auto& field : config_fields()) {
    // Of no effect on the outcome; but --until-loss ends a run at an evaluation.
    const bool ends_it = field.key == "evaluate-every" && config.until_loss > 0;
    if ((field.group == "Run" && !ends_it) || field.key == "timeout") continue;
    if (!is_recorded(field)) continue;
    if (std::find(but.begin(), but.end(), field.key) != but.end()) continue;
    std::string difference;
    std::visit(
        [&](auto member) {
          if (there.*member != config.*member)
            difference = fmt::format("{} = {}, not {}", field.key, there.*member, config.*member);
        },
        field.member);
    if (!difference.empty()) return difference;
  }
  return "";
}

void require_same_settings(const RunConfig& config) {
  const std::string file = (fs::path(config.out) / RunFolder::kConfig).string();
  if (!fs::exists(file)) return;
  RunConfig there;
  apply_config(read_config(file), file, there);
  const std::string difference = first_difference(there, config);
  require(difference.empty(), "{} holds a run with {}; choose another --out", config.out,
          difference);
  require_same_model_file(config);
}

void require_trainable(const std::vector<NamedRun>& runs) {
  std::set<std::string> seen;
  for (const auto& [name, c] : runs) {
    if (finished_run(c.out)) continue;
    const std::string asked =
        fmt::format("{} {} {} {} {} {} {} {} {} {} {} {} {} {}", c.data, c.train_samples,
                    c.test_samples, c.partition, c.model, c.workers, c.batch_size, c.tail, c.steps,
                    c.epochs, c.decay, c.sam > 0, c.output, c.auxiliary > 0);
    if (!seen.insert(asked).second) continue;
    try {
      load_job_data(c);
    } catch (const UsageError& error) {
      throw UsageError(fmt::format("{}: {}", name, error.what()));
    }
  }
}

Summary train_or_resume(const RunConfig& given, const std::string& title, bool quiet) {
  if (const auto finished = finished_run(given.out)) {
    if (!quiet) std::cerr << given.out << " is finished already\n";
    return *finished;
  }
  const DataNotes notes;
  const DataSplits data = load_job_data(given);
  const RunConfig config = with_absolute_paths(given);
  const bool resume = fs::exists(fs::path(config.out) / RunFolder::kConfig);
  const TrainingFolder folder(config, resume);
  if (!quiet) {
    tell(notes);
    std::cerr << title << "\n";
    if (resume) mention_damaged_summary(config.out);
  }
  const auto progress = progress_unless(quiet);
  try {
    const Summary summary = run_in_threads(
        config, data, {.resume = resume, .progress = progress.get(), .stop = &stop_on_signals()});
    progress->finish();
    return summary;
  } catch (const UsageError&) {
    folder.withdraw();
    throw;
  }
}

std::string default_out(const RunConfig& config) {
  const std::string model = fs::path(config.model).stem().string();
  const std::string base = fmt::format("runs/{}-{}-seed{}", config.algorithm, model, config.seed);
  std::string out = base;
  for (int k = 2; fs::exists(out); ++k) out = fmt::format("{}-{}", base, k);
  return out;
}

}  // namespace valley::app
