#include "valley/record/run_state.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "valley/core/error.h"
#include "valley/record/run_lock.h"
#include "valley/record/summary.h"

namespace valley {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kDiverged = "diverged.json";

bool has(const RunFolder& folder, std::string_view name) {
  std::error_code error;
  return fs::exists(folder.file(name), error);
}

std::string text(const Json& object, const char* key, const std::string& otherwise) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : otherwise;
}

// That the file is there says that it diverged, whatever is left of its content.
std::string reason_of_divergence(const RunFolder& folder) {
  try {
    return text(read_json(folder.file(kDiverged)), "reason", "");
  } catch (const UsageError&) {
    return "";
  }
}

}  // namespace

std::string_view name(RunState::Kind kind) {
  switch (kind) {
    case RunState::Kind::kFinished:
      return "finished";
    case RunState::Kind::kInterrupted:
      return "interrupted";
    case RunState::Kind::kDiverged:
      return "diverged";
    case RunState::Kind::kRunning:
      return "running";
    case RunState::Kind::kDamaged:
      return "damaged";
    case RunState::Kind::kBrokenOff:
      break;
  }
  return "broken off";
}

RunState::Kind parse_status(const std::string& text) {
  for (const auto kind : {RunState::Kind::kFinished, RunState::Kind::kInterrupted}) {
    if (text == name(kind)) return kind;
  }
  throw UsageError(fmt::format(
      "the summary of the run is damaged: '{}' is no status of a run that ended", text));
}

RunState run_state(const RunFolder& folder) {
  using Kind = RunState::Kind;
  const bool ended = has(folder, RunFolder::kSummary);
  std::string status, damage;
  try {
    // Runs of early versions had no status: a summary was the end.
    if (ended) status = text(read_summary(folder), "status", std::string(name(Kind::kFinished)));
  } catch (const UsageError& error) {
    damage = error.what();
  }
  if (status == name(Kind::kFinished)) return {Kind::kFinished, ""};
  if (RunLock::held(folder.path())) return {Kind::kRunning, ""};
  if (has(folder, kDiverged)) return {Kind::kDiverged, reason_of_divergence(folder)};
  if (!damage.empty()) return {Kind::kDamaged, damage};
  return {ended ? Kind::kInterrupted : Kind::kBrokenOff, ""};
}

void note_divergence(const fs::path& folder, int worker, const std::string& error) {
  const std::string own = fmt::format(".diverged-{}.json", worker);
  try {
    write_json(folder / own, {{"reason", error.substr(0, error.find("; "))}});
    std::error_code ignored;
    fs::rename(folder / own, folder / kDiverged, ignored);
  } catch (const IoError&) {
  }
}

void forget_divergence(const fs::path& folder) {
  std::error_code ignored;
  fs::remove(folder / kDiverged, ignored);
}

}  // namespace valley
