#include "valley/train/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "valley/core/checksum.h"
#include "valley/core/error.h"
#include "valley/core/nesting.h"
#include "valley/core/numbers.h"
#include "valley/record/json_file.h"

namespace valley {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "step-";
constexpr const char* kManifest = "manifest.json";

[[noreturn]] void throw_damaged(const std::string& reason, std::string_view what_to_do) {
  throw DamagedFile(what_to_do.empty() ? reason : fmt::format("{}; {}", reason, what_to_do));
}

Json to_json(const FileSum& sum) {
  return {{"bytes", sum.bytes}, {"crc32c", checksum_text(sum.crc32c)}};
}

FileSum sum_from(const Json& json) {
  const auto crc = parse_checksum(json.at("crc32c").get<std::string>());
  if (!crc) throw DamagedFile("a worker's checksum is damaged");
  return {.bytes = json.at("bytes"), .crc32c = *crc};
}

std::string worker_file(int worker) { return fmt::format("worker-{}.safetensors", worker); }

std::optional<int64_t> step_of(const fs::path& folder) {
  const std::string name = folder.filename().string();
  if (!name.starts_with(kPrefix)) return std::nullopt;
  return parse_number<int64_t>(std::string_view(name).substr(kPrefix.size()));
}

Json to_json(const Manifest& manifest) {
  Json files = Json::array();
  for (size_t m = 0; m < manifest.files.size(); ++m) {
    files.push_back({{"file", worker_file(static_cast<int>(m))}});
    files.back().update(to_json(manifest.files[m]));
  }
  return {{"step", manifest.step},       {"total_steps", manifest.total_steps},
          {"workers", manifest.workers}, {"algorithm", manifest.algorithm},
          {"model", manifest.model},     {"files", std::move(files)}};
}

// @throws Json::exception
Manifest manifest_from(const Json& json) {
  Manifest manifest{.step = json.at("step"),
                    .total_steps = json.at("total_steps"),
                    .workers = json.at("workers"),
                    .algorithm = json.at("algorithm"),
                    .model = json.at("model")};
  if (json.contains("files"))
    for (const Json& file : json["files"]) manifest.files.push_back(sum_from(file));
  return manifest;
}

bool is_object(const std::string& json) {
  return !is_too_deep(json) && Json::parse(json, nullptr, /*allow_exceptions=*/false).is_object();
}

}  // namespace

at::Tensor WorkerState::view() const {
  at::Tensor x;
  for (const auto& [name, tensor] : tensors) {
    if (name == "view") return tensor;
    if (name == "x") x = tensor;
  }
  return x;
}

fs::path Checkpoints::path_of(int64_t step) const {
  return folder_ / fmt::format("{}{:08}", kPrefix, step);
}

void Checkpoints::save(Communicator& comm, const Manifest& manifest, const WorkerState& state,
                       int64_t keep) const {
  const fs::path path = path_of(manifest.step);
  std::error_code error;
  fs::create_directories(path, error);  // every worker: they may not share a file system
  if (error) throw IoError(fmt::format("cannot write {}: {}", path.string(), error.message()));
  const FileSum mine = save_safetensors((path / worker_file(comm.rank())).string(), state.tensors,
                                        {{"state", state.values}});
  // The manifest says that all the others are there, and which they are.
  const auto sums = comm.all_gather_text(to_line(to_json(mine)));
  if (comm.rank() == 0) {
    Manifest with_files = manifest;
    with_files.files.clear();
    for (const auto& sum : sums) with_files.files.push_back(sum_from(Json::parse(sum)));
    write_json(path / kManifest, to_json(with_files));
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

Manifest Checkpoints::read_manifest(int64_t step, std::string_view what_to_do) const {
  const fs::path file = path_of(step) / kManifest;
  std::string reason;
  try {
    const Manifest manifest = manifest_from(read_json(file));
    const bool possible = manifest.workers >= 1 && manifest.total_steps >= 1;
    if (manifest.step == step && possible) return manifest;
    reason = possible ? fmt::format("{} is damaged: it is of step {}", file.string(), manifest.step)
                      : fmt::format("{} is damaged: it is of {} workers and {} steps",
                                    file.string(), manifest.workers, manifest.total_steps);
  } catch (const Json::exception&) {
    reason = fmt::format("{} is damaged", file.string());
  } catch (const DamagedFile& error) {
    reason = error.what();
  }
  throw_damaged(reason, what_to_do);
}

std::optional<Manifest> Checkpoints::latest(std::string_view what_to_do) const {
  const std::vector<int64_t> steps = complete_steps();
  if (steps.empty()) return std::nullopt;
  return read_manifest(steps.back(), what_to_do);
}

std::optional<Manifest> Checkpoints::latest_readable() const {
  std::vector<int64_t> steps = complete_steps();
  for (; !steps.empty(); steps.pop_back()) {
    try {
      return read_manifest(steps.back(), "");
    } catch (const UsageError&) {  // damaged, or just being removed
    }
  }
  return std::nullopt;
}

WorkerState Checkpoints::load(const Manifest& manifest, int worker,
                              std::string_view what_to_do) const {
  const fs::path file = path_of(manifest.step) / worker_file(worker);
  try {
    std::error_code error;
    if (fs::status(file, error).type() == fs::file_type::not_found)
      throw DamagedFile(fmt::format("cannot read {}: No such file or directory", file.string()));
    TensorFile loaded = load_safetensors(file.string());
    const auto values = loaded.metadata.find("state");
    if (values == loaded.metadata.end() || !is_object(values->second))
      throw DamagedFile(fmt::format("{} is no checkpoint of a worker", file.string()));
    const auto rank = static_cast<size_t>(worker);
    if (rank < manifest.files.size() && loaded.crc32c != manifest.files[rank].crc32c) {
      throw DamagedFile(
          fmt::format("{} is of another checkpoint: its checksum is {}, the manifest says {}",
                      file.string(), loaded.crc32c ? checksum_text(*loaded.crc32c) : "missing",
                      checksum_text(manifest.files[rank].crc32c)));
    }
    return {.tensors = std::move(loaded.tensors), .values = values->second};
  } catch (const DamagedFile& error) {
    throw_damaged(error.what(), what_to_do);
  }
}

std::string Checkpoints::set_aside(int64_t step) const {
  const fs::path from = path_of(step);
  fs::path to = from.string() + ".damaged";
  for (int k = 2; fs::exists(to); ++k) to = fmt::format("{}.damaged-{}", from.string(), k);
  std::error_code error;
  fs::rename(from, to, error);
  if (error) {
    throw IoError(
        fmt::format("cannot rename {} to {}: {}", from.string(), to.string(), error.message()));
  }
  return to.string();
}

std::optional<Manifest> Checkpoints::take_newest_whole(
    Communicator& comm, const std::function<void(const Manifest&)>& load,
    const std::function<void(const std::string&)>& say) const {
  std::vector<int64_t> steps;  // those left to try; only worker 0 has any
  if (comm.rank() == 0) steps = complete_steps();
  std::vector<std::pair<int64_t, std::string>> damaged;  // the same on all workers
  std::optional<Manifest> whole;
  while (!whole) {
    // Worker 0 names the next one, or that its manifest is damaged, or (nothing) that none is left.
    Json offer;
    if (!steps.empty()) {
      offer["step"] = steps.back();
      try {
        offer["manifest"] = to_json(read_manifest(steps.back(), ""));
      } catch (const DamagedFile& error) {
        offer["damaged"] = error.what();
      }
      steps.pop_back();
    }
    offer = Json::parse(comm.all_gather_text(to_line(offer)).front());
    if (offer.is_null()) break;
    std::string reason = offer.value("damaged", "");
    if (reason.empty()) {
      const Manifest manifest = manifest_from(offer["manifest"]);
      std::string mine;
      try {
        load(manifest);
      } catch (const DamagedFile& error) {
        mine = error.what();
      }
      for (const std::string& text : comm.all_gather_text(mine))
        if (reason.empty()) reason = text;
      if (reason.empty()) whole = manifest;
    }
    if (!reason.empty()) damaged.emplace_back(offer["step"], reason);
  }
  if (damaged.empty()) return whole;
  if (!whole) {
    throw NoWholeCheckpoint(
        fmt::format("no checkpoint in {} is whole: {}", folder_.string(), damaged.front().second));
  }
  for (const auto& [step, reason] : damaged) {
    std::string place;
    if (comm.rank() == 0) place = set_aside(step);
    comm.barrier();
    // Workers that do not share worker 0's disk have it still.
    std::error_code error;
    if (comm.rank() != 0 && fs::exists(path_of(step), error)) set_aside(step);
    if (comm.rank() == 0) say(fmt::format("{}; set aside as {}", reason, place));
  }
  return whole;
}

}  // namespace valley
