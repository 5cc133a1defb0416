#include "valley/runs/finished_run.h"

#include <ATen/ops/isfinite.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "valley/core/error.h"
#include "valley/models/device.h"
#include "valley/models/model_names.h"
#include "valley/models/safetensors.h"
#include "valley/models/state_dict.h"
#include "valley/record/run_folder.h"
#include "valley/record/run_state.h"
#include "valley/runs/outcome.h"
#include "valley/task/classification.h"
#include "valley/train/checkpoint.h"
#include "valley/train/job.h"
#include "valley/train/model_file.h"

namespace valley {
namespace {

namespace fs = std::filesystem;

constexpr const char* kScript = "model.pt";  // see run_job()

bool is_run(const fs::path& folder) {
  std::error_code error;
  return fs::exists(folder / RunFolder::kConfig, error);
}

bool is_scripted(const RunConfig& config) { return is_model_file(config.model); }

void require_finite(const at::Tensor& x, const std::string& folder, const std::string& whose) {
  require(at::isfinite(x).all().item<bool>(), "{}: the weights of {} are not finite, it diverged",
          folder, whose);
}

Checkpoints checkpoints_of(const std::string& folder) {
  return Checkpoints(fs::path(folder) / RunFolder::kCheckpoints);
}

// A finished run goes on from no checkpoint.
std::string train_again(const std::string& folder) {
  return fmt::format("train it again: valley train --config {} --out NEW",
                     (fs::path(folder) / RunFolder::kConfig).string());
}

// Says how the run stands, and what to do about it.
void require_finished(const RunFolder& files) {
  using Kind = RunState::Kind;
  const RunState state = run_state(files);
  const std::string folder = files.path().string();
  switch (state.kind) {
    case Kind::kFinished:
      return;
    case Kind::kRunning:
      throw UsageError(fmt::format("{} is not finished, it is being trained now", folder));
    case Kind::kDiverged:
      throw UsageError(fmt::format("{} diverged{}{}; a smaller {} may help", folder,
                                   state.reason.empty() ? "" : ": ", state.reason, Key{"lr"}));
    case Kind::kDamaged:
      throw UsageError(state.reason);
    case Kind::kInterrupted:
      throw UsageError(fmt::format(
          "{} is not finished, it was interrupted after step {}; valley train --resume {} goes on",
          folder, load_summary(files).steps, folder));
    case Kind::kBrokenOff:
      break;
  }
  const auto manifest = checkpoints_of(folder).latest_readable();
  throw UsageError(
      fmt::format("{} is not finished, it broke off: killed, or something failed; valley train "
                  "--resume {} {}",
                  folder, folder,
                  manifest ? fmt::format("goes on from step {}", manifest->step)
                           : std::string("begins again")));
}

}  // namespace

FinishedRun FinishedRun::open(const std::string& folder) {
  const RunFolder files = RunFolder::open(folder);
  FinishedRun run;
  run.folder_ = folder;
  const std::string config = files.file(RunFolder::kConfig).string();
  apply_config(read_config(config), config, run.config_);
  run.config_.device = WorkerSettings().device;

  require_finished(files);
  run.summary_ = load_summary(files);
  std::vector<std::string_view> needed = {RunFolder::kModel};
  if (is_scripted(run.config_)) needed.push_back(kScript);
  for (const auto name : needed) {
    require(fs::exists(files.file(name)), "{} has no {}", folder, name);
  }
  const auto manifest = checkpoints_of(folder).latest(train_again(folder));
  require(manifest && manifest->step == run.summary_.steps,
          "{} has no checkpoint of its last step, {}: every worker's own weights were there",
          folder, run.summary_.steps);
  run.manifest_ = std::make_shared<const Manifest>(*manifest);
  return run;
}

void FinishedRun::put_on(const std::string& device) { config_.device = find_device(device).str(); }

int FinishedRun::workers() const { return manifest_->workers; }

const Task& FinishedRun::task() const {
  if (task_ != nullptr) return *task_;
  DataSplits data;
  if (config_.classification.class_weights.balanced) data = load_data();
  task_ = &job_task(config_, data.train.get());
  return *task_;
}

DataSplits FinishedRun::load_data() const {
  return valley::load_data(config_.data, to_data_options(config_));
}

std::unique_ptr<Model> FinishedRun::make_model(const DataSplits& data) const {
  RunConfig config = config_;
  // The script that training left is the network with all that its weights do not tell.
  config.out.clear();
  config.init.clear();
  if (is_scripted(config_)) {
    config.model = (fs::path(folder_) / kScript).string();
    config.freeze.clear();  // what is frozen is so in the script
  }
  auto model = make_job_model(config, data);
  const std::string file = (fs::path(folder_) / RunFolder::kModel).string();
  try {
    load_state_dict(*model, load_safetensors(file).tensors);
  } catch (const UsageError& error) {
    const std::string reason = error.marked();
    throw UsageError(reason.find(file) == std::string::npos ? file + ": " + reason : reason);
  }
  return model;
}

at::Tensor FinishedRun::load_worker(int worker, int64_t size) const {
  const WorkerState state = checkpoints_of(folder_).load(*manifest_, worker, train_again(folder_));
  const at::Tensor x = state.view();
  require(x.defined() && x.numel() == size, "{}: the checkpoint of worker {} is of another model",
          folder_, worker);
  return x;
}

RunWeights FinishedRun::load_weights(const DataSplits& data) const {
  RunWeights weights;
  {
    const auto model = make_model(data);
    const FlatParameters parameters(model->parameters(), model->buffers(), decay_rule());
    weights.average = parameters.values();
    weights.ranges = parameters.ranges();
  }
  for (int m = 0; m < workers(); ++m) {
    weights.workers.push_back(load_worker(m, weights.average.numel()).to(weights.average.device()));
    require_finite(weights.workers.back(), folder_, fmt::format("worker {}", m));
  }
  require_finite(weights.average, folder_, "the average");
  RunConfig began = config_;
  began.out = folder_;  // which may have moved
  // Where the folder has no copy and the original is gone, nobody knows where it began.
  const auto there = [](const std::string& file) { return file.empty() || fs::exists(file); };
  if ((!is_scripted(config_) || there(model_to_load(began))) && there(weights_to_load(began))) {
    const auto model = make_job_model(began, data);
    const FlatParameters parameters(model->parameters(), model->buffers(), decay_rule());
    // Where the folder has no copy, another file may have taken the name since.
    if (parameters.size() == weights.average.numel()) weights.initial = parameters.values();
  }
  return weights;
}

std::vector<std::string> run_folders(const std::vector<std::string>& given) {
  std::vector<std::string> runs;
  for (const auto& folder : given) {
    std::vector<std::string> inside;
    std::error_code error;
    if (!is_run(folder)) {
      for (const auto& entry : fs::directory_iterator(folder, error)) {
        if (is_run(entry.path())) inside.push_back(entry.path().string());
      }
    }
    if (inside.empty()) {
      RunFolder::open(folder);  // says what is wrong
      inside.push_back(folder);
    }
    std::sort(inside.begin(), inside.end());
    runs.insert(runs.end(), inside.begin(), inside.end());
  }
  return runs;
}

OpenedRuns open_runs(const std::vector<std::string>& given, RunsAre use) {
  require(!given.empty(), "give the folders of finished runs");
  OpenedRuns opened;
  std::set<fs::path> seen;
  std::vector<std::pair<std::string, RunState>> left_out;
  for (const std::string& folder : run_folders(given)) {
    require(seen.insert(fs::weakly_canonical(folder)).second, "{} is given twice", folder);
    const bool named = std::find(given.begin(), given.end(), folder) != given.end();
    const RunState state = run_state(RunFolder::open(folder));
    if (!named && !state.finished()) {
      left_out.emplace_back(folder, state);
      continue;
    }
    opened.runs.push_back(FinishedRun::open(folder));
    if (use == RunsAre::kWritten) RunFolder::open(folder).require_writable("the run");
  }
  for (const auto& [folder, state] : left_out) {
    if (opened.runs.empty()) FinishedRun::open(folder);  // says why not
    opened.left_out.push_back(state.kind == RunState::Kind::kDamaged
                                  ? state.reason
                                  : fmt::format("{} is {}", folder, name(state.kind)));
  }
  return opened;
}

}  // namespace valley
