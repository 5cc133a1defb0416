#include "valley/report/report_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>
#include <variant>

#include "valley/core/error.h"
#include "valley/record/metrics.h"
#include "valley/record/run_state.h"
#include "valley/record/score_record.h"
#include "valley/report/curves_data.h"
#include "valley/report/measures.h"
#include "valley/report/timeline.h"

namespace valley {
namespace fs = std::filesystem;
namespace {

bool is_run(const fs::path& path) {
  std::error_code error;
  return fs::exists(path / RunFolder::kConfig, error);
}

// Labels of compare.json's methods in their order; the folders are named LABEL-seedN. Without them
// the runs stand in the order of their names, which is no reason to stop.
std::vector<std::string> compared_methods(const fs::path& folder) {
  std::vector<std::string> labels, ignored;
  const Json compared = read_if_whole(folder / "compare.json", "", ignored);
  if (!compared.is_object()) return labels;
  for (const Json& method : compared.value("methods", Json::array())) {
    if (method.is_object() && method.contains("label") && method["label"].is_string()) {
      labels.push_back(method["label"].get<std::string>());
    }
  }
  return labels;
}

// "a2" before "a10".
bool natural_less(const std::string& a, const std::string& b) {
  const auto is_digit = [](char c) { return '0' <= c && c <= '9'; };
  const auto key = [&](const std::string& text) {
    std::string result;
    for (size_t i = 0; i < text.size();) {
      size_t end = i;
      while (end < text.size() && is_digit(text[end])) ++end;
      if (end == i) {
        result += text[i++];
      } else {
        result += std::string(end - i < 20 ? 20 - (end - i) : 0, '0') + text.substr(i, end - i);
        i = end;
      }
    }
    return result;
  };
  return std::pair(key(a), a) < std::pair(key(b), b);
}

std::vector<fs::path> runs_below(const fs::path& folder) {
  std::vector<fs::path> runs;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (is_run(entry.path())) runs.push_back(entry.path());
  }
  const auto methods = compared_methods(folder);
  const auto place = [&](const fs::path& path) {
    const std::string name = path.filename().string();
    const auto found =
        std::find(methods.begin(), methods.end(), name.substr(0, name.rfind("-seed")));
    return found - methods.begin();
  };
  std::sort(runs.begin(), runs.end(), [&](const fs::path& a, const fs::path& b) {
    if (place(a) != place(b)) return place(a) < place(b);
    return natural_less(a.filename().string(), b.filename().string());
  });
  return runs;
}

// How far the records go, and whether they end in something that is no number.
struct Progress {
  std::string reached;
  bool diverged = false;
};

Progress progress_of(const std::vector<Json>& records) {
  Progress progress;
  for (const Json& record : records) {
    const auto step = record.find("step"), epoch = record.find("epoch");
    if (step != record.end() && step->is_number() && epoch != record.end() && epoch->is_number()) {
      progress.reached =
          fmt::format("step {} (epoch {:.3g})", step->get<int64_t>(), epoch->get<double>());
    }
    for (const char* key : {"loss", "train_loss", "test_loss"}) {
      const auto loss = record.find(key);
      if (loss != record.end()) progress.diverged = loss->is_null();
    }
  }
  return progress;
}

// The summary says it, and where there is none the evaluations.
ScoreSheet sheet_of_run(const Json& summary, const std::vector<Json>& records) {
  if (!summary.is_null()) return sheet_of(summary);
  const auto says = std::find_if(records.begin(), records.end(),
                                 [](const Json& r) { return r.contains("task"); });
  return says == records.end() ? classification_scores() : sheet_of(*says);
}

// Those of landscape.json and of landscape-PLANE.json, in this order.
Json landscapes_in(const fs::path& folder, std::vector<std::string>& damages) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("landscape-") && name.ends_with(".json")) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  files.insert(files.begin(), folder / "landscape.json");
  Json list = Json::array();
  for (const fs::path& file : files) {
    std::string plane = file.stem().string().substr(std::string_view("landscape").size());
    if (!plane.empty()) plane = " --plane " + plane.substr(1);
    Json landscape = landscape_of(read_if_whole(
        file, fmt::format("valley landscape {}{} writes it anew", folder.string(), plane),
        damages));
    if (!landscape.is_null()) list.push_back(std::move(landscape));
  }
  return list.empty() ? Json() : list;
}

}  // namespace

Json read_if_whole(const fs::path& path, const std::string& remedy,
                   std::vector<std::string>& damages) {
  std::error_code error;
  if (!fs::exists(path, error)) return nullptr;
  try {
    return read_json(path);
  } catch (const UsageError& damage) {
    damages.push_back(fmt::format("{}; {}.", damage.what(), remedy));
    return nullptr;
  }
}

ReportLimits limits_for(size_t runs) {
  ReportLimits limits;
  runs = std::max<size_t>(runs, 1);
  limits.points = std::clamp<size_t>(20000 / runs, 200, 2000);
  limits.bar_workers = std::clamp<size_t>(640 / runs, 16, 64);
  return limits;
}

std::string ReportRun::setting(std::string_view key) const {
  for (const auto& [name, value] : config) {
    if (name != key) continue;
    return std::visit([](const auto& v) { return fmt::format("{}", v); }, value);
  }
  return "";
}

std::optional<double> ReportRun::figure(std::string_view key) const {
  const Json* at = &summary;
  while (!key.empty()) {
    const size_t dot = std::min(key.find('.'), key.size());
    if (!at->is_object()) return std::nullopt;
    const auto found = at->find(std::string(key.substr(0, dot)));
    if (found == at->end()) return std::nullopt;
    at = &*found;
    key.remove_prefix(std::min(dot + 1, key.size()));
  }
  if (!at->is_number()) return std::nullopt;
  return at->get<double>();
}

ReportRun read_report_run(const RunFolder& folder, const ReportLimits& limits) {
  ReportRun run;
  run.path = folder.path();
  run.name = fs::weakly_canonical(folder.path()).filename().string();
  run.config = read_config(folder.file(RunFolder::kConfig));
  run.algorithm = run.setting("algorithm");
  require(!run.algorithm.empty(), "{} names no algorithm",
          folder.file(RunFolder::kConfig).string());

  std::error_code error;
  std::vector<Json> records;
  if (fs::exists(folder.file(RunFolder::kMetrics), error)) {
    records = read_metrics(folder.file(RunFolder::kMetrics));
  }
  const Progress progress = progress_of(records);
  run.reached = progress.reached;
  RunState state = run_state(folder);
  // Of one that is damaged the state says enough, be it that another matters more.
  std::vector<std::string> ignored;
  run.summary = read_if_whole(folder.file(RunFolder::kSummary), "", ignored);
  if (!run.summary.is_object()) run.summary = nullptr;
  // Records of others' versions may end in a loss that is no number, without a note of why.
  if (state.kind == RunState::Kind::kBrokenOff && progress.diverged) {
    state.kind = RunState::Kind::kDiverged;
  }
  run.status = state.kind;
  run.reason = state.reason;
  run.sheet = sheet_of_run(run.summary, records);
  run.curves = curves_of(records, run.sheet, limits);
  const auto read = [&](std::string_view name, const std::string& remedy) {
    return read_if_whole(folder.file(name), remedy, run.damages);
  };
  const auto anew = [&](const std::string& command) {
    return fmt::format("valley {} {} writes it anew", command, folder.path().string());
  };
  if (const Json trace = read(RunFolder::kTrace, "nothing writes it anew"); trace.is_object()) {
    run.timeline = timeline_of(trace, limits);
  }
  run.landscapes = landscapes_in(folder.path(), run.damages);
  run.classes =
      classes_of(read("classes.json", fmt::format("valley evaluate {} --classes writes it anew",
                                                  folder.path().string())));
  run.robust =
      robust_of(read("robust.json", fmt::format("valley evaluate {} --adversarial writes it anew",
                                                folder.path().string())));
  run.sharpness = sharpness_of(read("sharpness.json", anew("sharpness")));
  const Json dynamics = read("dynamics.json", anew("dynamics"));
  run.dynamics = dynamics_of(dynamics);
  run.noise = noise_of(dynamics, limits.bar_workers);
  return run;
}

std::vector<RunFolder> find_runs(const std::vector<std::string>& arguments) {
  std::vector<RunFolder> runs;
  std::set<fs::path> seen;
  for (const std::string& argument : arguments) {
    std::error_code error;
    std::vector<fs::path> found = {argument};
    if (fs::is_directory(argument, error) && !is_run(argument)) {
      found = runs_below(argument);
      require(!found.empty(), "{} is no run folder and holds none: {} is missing", argument,
              RunFolder::kConfig);
    }
    for (const auto& path : found) {
      RunFolder run = RunFolder::open(path);
      if (seen.insert(fs::weakly_canonical(path)).second) runs.push_back(std::move(run));
    }
  }
  return runs;
}

}  // namespace valley
