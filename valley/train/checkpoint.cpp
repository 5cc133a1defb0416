#include "valley/train/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "valley/core/atomic_file.h"
#include "valley/core/error.h"
#include "valley/core/numbers.h"
#include "valley/models/safetensors.h"
#include "valley/record/json_file.h"

namespace valley {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "step-";
constexpr const char* kManifest = "manifest.json";

std::string worker_file(int worker) { return fmt::format("worker-{}.safetensors", worker); }

std::optional<int64_t> step_of(const fs::path& folder) {
  const std::string name = folder.filename().string();
  if (!name.starts_with(kPrefix)) return std::nullopt;
  return parse_number<int64_t>(std::string_view(name).substr(kPrefix.size()));
}

}  // namespace

fs::path Checkpoints::path_of(int64_t step) const {
  return folder_ / fmt::format("{}{:08}", kPrefix, step);
}

void Checkpoints::save(Communicator& comm, const Manifest& manifest, const WorkerState& state,
                       int64_t keep) const {
  const fs::path path = path_of(manifest.step);
  std::error_code error;
  fs::create_directories(path, error);  // every worker: they may not share a file system
  if (error) throw IoError(fmt::format("cannot write {}: {}", path.string(), error.message()));
  save_safetensors((path / worker_file(comm.rank())).string(), state.tensors,
                   {{"state", state.values}});
  comm.barrier();  // the manifest says that all the others are there
  if (comm.rank() == 0) {
    const Json json = {{"step", manifest.step},
                       {"total_steps", manifest.total_steps},
                       {"workers", manifest.workers},
                       {"algorithm", manifest.algorithm},
                       {"model", manifest.model}};
    write_atomically(path / kManifest, json.dump(2) + "\n");
    std::vector<int64_t> steps = complete_steps();
    for (; steps.back() > manifest.step; steps.pop_back()) remove(steps.back());
    for (size_t i = 0; i + std::max<int64_t>(keep, 1) < steps.size(); ++i) remove(steps[i]);
  }
  comm.barrier();  // on every worker a checkpoint that was saved is there
}

void Checkpoints::remove(int64_t step) const {
  std::error_code error;
  // The manifest first, so that a half-removed checkpoint is none.
  fs::remove(path_of(step) / kManifest, error);
  fs::remove_all(path_of(step), error);
}

std::vector<int64_t> Checkpoints::complete_steps() const {
  std::vector<int64_t> steps;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    const auto step = step_of(entry.path());
    if (step && fs::exists(entry.path() / kManifest)) steps.push_back(*step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

std::optional<Manifest> Checkpoints::latest(std::string_view what_to_do) const {
  const std::vector<int64_t> steps = complete_steps();
  if (steps.empty()) return std::nullopt;
  const fs::path file = path_of(steps.back()) / kManifest;
  try {
    const Json json = Json::parse(read_file(file));
    return Manifest{.step = json.at("step"),
                    .total_steps = json.at("total_steps"),
                    .workers = json.at("workers"),
                    .algorithm = json.at("algorithm"),
                    .model = json.at("model")};
  } catch (const Json::exception&) {
    throw UsageError(fmt::format("{} is damaged; {}", file.string(), what_to_do));
  }
}

WorkerState Checkpoints::load(const Manifest& manifest, int worker,
                              std::string_view what_to_do) const {
  const fs::path file = path_of(manifest.step) / worker_file(worker);
  try {
    TensorFile loaded = load_safetensors(file.string());
    const auto values = loaded.metadata.find("state");
    require(values != loaded.metadata.end(), "{} is no checkpoint of a worker", file.string());
    return {.tensors = std::move(loaded.tensors), .values = values->second};
  } catch (const UsageError& error) {
    throw UsageError(fmt::format("{}; {}", error.what(), what_to_do));
  }
}

}  // namespace valley
