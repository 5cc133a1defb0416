#include "valley/runs/extension.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <variant>

#include "valley/core/error.h"
#include "valley/data/loader.h"
#include "valley/record/json_file.h"
#include "valley/record/run_folder.h"
#include "valley/train/checkpoint.h"

namespace valley {
namespace {

namespace fs = std::filesystem;

int64_t last_step(const std::string& folder) {
  const auto manifest = Checkpoints(fs::path(folder) / RunFolder::kCheckpoints).latest_readable();
  require(manifest.has_value(), "{} has no checkpoint to go on from", folder);
  return manifest->step;
}

// null: not there.
Json value_of(const Config& config, const std::string& key) {
  const auto found = std::find_if(config.begin(), config.end(),
                                  [&](const auto& value) { return value.first == key; });
  if (found == config.end()) return nullptr;
  return std::visit([](const auto& value) { return Json(value); }, found->second);
}

}  // namespace

void require_extensible(const RunConfig& config, const DataSplits& data) {
  const int64_t total =
      config.steps > 0
          ? config.steps
          : config.epochs * steps_per_epoch({.examples = data.train->size(),
                                             .batch_size = config.batch_size,
                                             .workers = static_cast<int>(config.workers),
                                             .tail = config.tail});
  const int64_t step = last_step(config.out);
  require(step<total, "{} has done {} steps, and {} asks for {}: {} must be larger", config.out,
               step, Key{"extend"}, total, config.steps> 0
              ? Key{"steps"}
              : Key{"epochs"});
}

void record_extension(const RunConfig& config, const Config& former, const Config& now) {
  const fs::path folder = config.out, file = folder / kExtensions,
                 summary = folder / RunFolder::kSummary;
  Json changed = Json::object();
  // Settings that have their default may stand in neither.
  for (const Config* values : {&former, &now}) {
    for (const auto& [key, value] : *values) {
      const Json before = value_of(former, key), after = value_of(now, key);
      if (before != after) changed[key] = {{"from", before}, {"to", after}};
    }
  }
  Json all = fs::exists(file) ? read_json(file) : Json{{"extensions", Json::array()}};
  Json entry = {{"step", last_step(config.out)}, {"changed", changed}};
  if (fs::exists(summary)) entry["summary"] = read_json(summary);
  all["extensions"].push_back(std::move(entry));
  write_json(file, all);
  fs::remove(summary);
}

}  // namespace valley
